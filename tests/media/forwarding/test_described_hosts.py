"""Parameter sets reach viewers before each key frame, wherever the host has put them."""

import pytest

from media.stream.frames import Frame
from media.wire import h264
from tests.support.described_host import DescribedHost, encoded, sprop

SPS, PPS, IDR = h264.SPS, h264.PPS, h264.IDR


def sets(width: int = 64, height: int = 48) -> list[bytes]:
    units = encoded(width, height)
    return [units[SPS], units[PPS]]


def idr(bytes_max: int = 1_200) -> list[bytes]:
    """A key frame without parameter sets."""
    return h264.payloads([encoded()[IDR]], bytes_max)


def frames(host: DescribedHost) -> list[Frame]:
    return host.kept.frames


@pytest.mark.parametrize("bytes_max", [1_200, 20], ids=["whole", "in fragments"])
def test_sets_that_only_the_sdp_has_go_before_each_key_frame(bytes_max: int) -> None:
    host = DescribedHost(sprop(*sets()))
    host.send(idr(bytes_max))
    host.send(idr(bytes_max))
    assert [frame.key for frame in frames(host)] == [True, True]
    assert host.decoded() == 2
    assert host.decoded(first=1) == 1, "a viewer may begin with any key frame"
    assert host.numbers == list(range(host.numbers[0], host.numbers[0] + len(host.numbers)))
    [layer] = host.live.tracks["video"].layers
    assert layer.size == (64, 48)


def test_without_sets_nobody_decodes() -> None:
    host = DescribedHost()
    host.send(idr())
    assert host.decoded() == 0


def test_sets_that_came_once_go_before_later_key_frames() -> None:
    host = DescribedHost()
    host.send(h264.payloads([*sets(), encoded()[IDR]], 1_200))
    host.send(idr())
    assert host.decoded(first=1) == 1


@pytest.mark.parametrize("bytes_max", [1_200, 30], ids=["aggregated", "apart"])
def test_a_key_frame_that_has_its_sets_stays_as_it_is(bytes_max: int) -> None:
    host = DescribedHost(sprop(*sets()))
    sent = h264.payloads([*sets(), encoded()[IDR]], bytes_max)
    host.send(sent)
    [payloads] = host.payloads
    assert [payload[0] & 31 for payload in payloads] == [payload[0] & 31 for payload in sent]


def test_sets_in_the_stream_replace_those_of_the_sdp() -> None:
    host = DescribedHost(sprop(*sets(128, 96)))
    host.send(h264.payloads([*sets(), encoded()[IDR]], 1_200))
    host.send(idr())
    assert host.payloads[1][0] == h264.payloads(sets(), 1_200)[0]


def test_sets_go_before_the_first_slice_alone() -> None:
    host = DescribedHost(sprop(*sets()))
    host.send([b"\x65\x88first", b"\x65\x08second"])
    [payloads] = host.payloads
    assert [payload[0] & 31 for payload in payloads] == [24, IDR, IDR]


def test_sets_go_before_a_key_frame_of_which_they_were_lost() -> None:
    host = DescribedHost()
    sent = h264.payloads([*sets(), encoded()[IDR]], 30)
    host.send(sent)
    host._sequence += len(sets())
    host.send(idr(30))
    host.pass_time(2)
    for layer in host.live.layers():
        host.live.deliver(layer, now=host.now)
    assert host.decoded(first=1) == 1
