"""What answers say of codecs, and the candidates in them."""

import re

import pytest

from media.wire import sdp
from media.wire.codec import Codec
from tests.support.sdp_offers import LOCAL, OFFER

OPUS = "a=rtpmap:111 opus/48000/2\r\n"


def offered(parameters: str) -> str:
    """An offer whose Opus has these parameters."""
    return OFFER.replace(OPUS, f"{OPUS}a=fmtp:111 {parameters}\r\n")


def opus_of(answer: str) -> set[str]:
    [found] = re.findall(r"^a=fmtp:111 (.*)\r$", answer, re.MULTILINE)
    return set(found.split(";"))


def played(parameters: str, live: Codec) -> str:
    offer = sdp.parse_offer(offered(parameters).replace("sendonly", "recvonly"), "play")
    codecs = {"audio": live, "video": Codec("H264", 96, 90_000)}
    return sdp.answer(
        offer, LOCAL, sdp.choose_played(offer, codecs, {"audio": 7}, layers=1), "play"
    )


@pytest.mark.parametrize("declared", ["stereo=1", "sprop-stereo=1", "sprop-stereo=1; stereo=0"])
def test_a_host_that_has_stereo_is_answered_that_stereo_is_played(declared: str) -> None:
    answer = sdp.answer_published(offered(f"minptime=10;{declared};useinbandfec=1"), LOCAL).answer
    assert {"stereo=1", "minptime=10", "useinbandfec=1"} <= opus_of(answer)


def test_a_host_that_has_mono_sends_mono() -> None:
    answer = sdp.answer_published(offered("minptime=10;useinbandfec=1"), LOCAL).answer
    assert opus_of(answer) == {"minptime=10", "useinbandfec=1"}


def test_a_viewer_is_answered_with_its_own_parameters_and_that_stereo_comes() -> None:
    stereo = Codec("opus", 111, 48_000, "minptime=10;stereo=1")
    answer = played("useinbandfec=1;stereo=1", stereo)
    assert opus_of(answer) == {"useinbandfec=1", "stereo=1", "sprop-stereo=1"}
    mono = Codec("opus", 111, 48_000, "minptime=10")
    assert opus_of(played("useinbandfec=1;stereo=1", mono)) == {"useinbandfec=1", "stereo=1"}
