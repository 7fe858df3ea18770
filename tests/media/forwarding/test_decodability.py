"""A host whose video nobody can decode gets the reason after three seconds, and only then."""

from collections.abc import Callable

import pytest

from media.forwarding.decodability import UNDECODABLE_AFTER_S, Undecodable
from media.io.webrtc.stats import stats_of
from media.wire import h264
from tests.support.described_host import FRAME_S, DescribedHost, encoded, sprop

Send = Callable[[DescribedHost], None]


def without_sets(host: DescribedHost) -> None:
    host.send(h264.payloads([encoded()[h264.IDR]], 1_200))


def with_sets(host: DescribedHost) -> None:
    units = encoded()
    host.send(h264.payloads([units[h264.SPS], units[h264.PPS], units[h264.IDR]], 1_200))


def without_key_frames(host: DescribedHost) -> None:
    host.send([b"\x41\x9a delta"])


def sound_alone(host: DescribedHost) -> None:
    host.send_audio()
    host.pass_time(FRAME_S)


def for_s(host: DescribedHost, seconds: float, send: Send) -> Undecodable | None:
    """Send for so long; return the reason that the host's page gets then."""
    end = host.now + seconds
    while host.now < end:
        send(host)
    return stats_of(host.live, lambda _: True, now=host.now).undecodable


@pytest.mark.parametrize(
    ("send", "problem"),
    [
        (without_sets, Undecodable.NO_PARAMETER_SETS),
        (without_key_frames, Undecodable.NO_KEY_FRAME),
        (sound_alone, Undecodable.NO_VIDEO),
        (with_sets, None),
    ],
)
def test_what_is_wrong_is_said_after_three_seconds(send: Send, problem: Undecodable | None) -> None:
    host = DescribedHost()
    assert for_s(host, UNDECODABLE_AFTER_S - 0.5, send) is None
    assert for_s(host, 2.5, send) == problem


def test_sets_in_the_sdp_are_enough() -> None:
    host = DescribedHost(sprop(encoded()[h264.SPS], encoded()[h264.PPS]))
    assert for_s(host, 6, without_sets) is None


def test_a_key_frame_that_can_be_decoded_ends_it() -> None:
    host = DescribedHost()
    assert for_s(host, 6, without_sets) is not None
    assert for_s(host, 1.1, with_sets) is None


def test_video_that_stops_while_sound_goes_on_is_noticed() -> None:
    host = DescribedHost()
    for_s(host, 6, with_sets)
    assert for_s(host, 9, sound_alone) == Undecodable.NO_VIDEO


def test_a_host_that_sends_nothing_at_all_is_another_matter() -> None:
    host = DescribedHost()
    assert for_s(host, 6, lambda host: host.pass_time(FRAME_S)) is None


def test_another_source_starts_anew() -> None:
    host = DescribedHost()
    assert for_s(host, 6, without_sets) is not None
    host.live.source = None
    host.pass_time(1.1)
    assert host.live.decodability.problem is None
