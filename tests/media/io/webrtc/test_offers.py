"""Offers that the plane answers, and those that it refuses."""

import pytest

from media.errors import BadOffer
from media.io.webrtc.plane import MediaPlane
from media.wire import sdp, transport_cc
from media.wire.codec import Codec
from media.wire.sdp import RID_URI
from tests.support.media_plane import ROOM, plane
from tests.support.sdp_offers import OFFER

__all__ = ["plane"]


@pytest.mark.parametrize(
    ("layers", "estimates", "sends"), [(1, True, False), (3, True, True), (1, False, True)]
)
def test_viewers_of_several_layers_send_transport_feedback(
    layers: int, estimates: bool, sends: bool
) -> None:
    text = OFFER.replace("sendonly", "recvonly") + "a=rtcp-fb:96 transport-cc\r\n"
    text += "a=rtcp-fb:96 goog-remb\r\n" if estimates else ""
    offer = sdp.parse_offer(text + f"a=extmap:3 {transport_cc.URI}\r\n", "play")
    live = {"video": Codec("H264", 96, 90_000)}
    audio, video = sdp.choose_played(offer, live, {"audio": 1, "video": 2}, layers=layers)
    assert (audio.sends_transport_feedback, video.sends_transport_feedback) == (False, sends)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("m=video", "m=application", "cannot be answered"),
        ("sendonly", "recvonly", "cannot be recvonly"),
        ("H264", "AV1", "no codec"),
        ("a=rtcp-mux\r\n", "", "rtcp-mux"),
        ("a=ice-ufrag:abcd\r\n", "", "ICE"),
        ("sha-256", "md5", "fingerprint"),
        ("v=0", "hello", "not SDP"),
    ],
)
async def test_a_refused_offer_has_a_reason(
    plane: MediaPlane, old: str, new: str, reason: str
) -> None:
    with pytest.raises(BadOffer) as caught:
        await plane.publish(ROOM, OFFER.replace(old, new), takeover=True)
    assert reason in caught.value.reason
    assert plane.stats().sessions_publish == 0


SIMULCAST = OFFER.replace(
    "a=mid:1\r\n",
    f"a=mid:1\r\na=extmap:4 {RID_URI}\r\na=rid:h send\r\na=rid:l send\r\na=simulcast:send h;l\r\n",
)


async def test_all_simulcast_layers_of_an_offer_are_accepted(plane: MediaPlane) -> None:
    answer = (await plane.publish(ROOM, SIMULCAST, takeover=True)).answer
    assert "a=rid:h recv\r\na=rid:l recv\r\na=simulcast:recv h;l\r\n" in answer
    assert f"a=extmap:4 {RID_URI}\r\n" in answer
    stats = plane.live_stats(ROOM)
    assert stats and [track.rid for track in stats.streams if track.kind == "video"] == [
        "h",
        "l",
    ]


@pytest.mark.parametrize(
    "attribute", ["a=simulcast:send h;h", "a=simulcast:send a;b;c;d;e", "a=simulcast:send h;!"]
)
async def test_a_malformed_simulcast_attribute_is_refused(
    plane: MediaPlane, attribute: str
) -> None:
    with pytest.raises(BadOffer):
        await plane.publish(
            ROOM, SIMULCAST.replace("a=simulcast:send h;l", attribute), takeover=True
        )
