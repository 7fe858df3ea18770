"""Which layer a host's packets are of, and its retransmits on an SSRC of their own."""

import struct
from collections import Counter
from dataclasses import dataclass, field

import pytest

from media.forwarding.uplink import Uplink
from media.stream.layer import KEY_FRAME_REQUEST_AFTER_S, Layer
from media.wire import rtp, sdp
from media.wire.sdp import REPAIRED_RID_URI, RID_URI
from tests.support.media_uplink import ONE, chosen
from tests.support.sdp_offers import LOCAL, OFFER

LAYERS = (
    f"a=extmap:4 {RID_URI}\r\na=extmap:5 {REPAIRED_RID_URI}\r\n"
    "a=rid:l send\r\na=rid:h send\r\na=simulcast:send l;h\r\n"
)
SEVERAL = ONE + LAYERS
IDR, DELTA = b"\x65\x88\x80", b"\x41\x88\x80"
RID_ID, REPAIRED_RID_ID = 4, 5
ONE_BYTE_PROFILE = 0xBEDE


@dataclass
class Host:
    """Sends to an uplink what its offer promised."""

    offer: str
    now: float = 10.0
    layers: list[Layer] = field(init=False)
    uplink: Uplink = field(init=False)

    def __post_init__(self) -> None:
        sendings = chosen(self.offer)
        codec, rids = sendings["video"].codec, sendings["video"].section.rids or ("",)
        self.layers = [Layer("video", codec, 1_000, rid) for rid in rids]
        self.uplink = Uplink({"video": self.layers}, sendings, Counter())

    def sends(
        self, ssrc: int, number: int, payload: bytes, *, rid: str = "", retransmit: bool = False
    ) -> None:
        """One frame of one packet, numbered `number`; `retransmit`: on the RTX SSRC."""
        timestamp = number * 3_000
        if retransmit and payload:
            payload = struct.pack("!H", number) + payload
        header = struct.pack(
            "!BBHII", 0x90, 0x80 | (97 if retransmit else 96), number, timestamp, ssrc
        )
        name = rid.encode()
        element = REPAIRED_RID_ID if retransmit else RID_ID
        extension = bytes([element << 4 | len(name) - 1]) + name if name else b"\0"
        extension += bytes(-len(extension) % 4)
        header += struct.pack("!HH", ONE_BYTE_PROFILE, len(extension) // 4) + extension
        raw = header + payload
        self.uplink.take(rtp.parse(raw), raw, now=self.now)

    def frames(self, rid: str) -> int:
        """How many frames of a layer are complete."""
        layer = next(each for each in self.layers if each.rid == rid)
        return len(layer.poll(now=self.now))

    def send_feedback(self) -> None:
        """The host is sent NACKs and key frame requests."""
        self.now += 0.02
        self.uplink.feedback(now=self.now)


@pytest.mark.parametrize(("offer", "rid"), [(ONE, ""), (SEVERAL, "l"), (SEVERAL, "h")])
def test_a_retransmit_fills_the_gap_of_its_layer(offer: str, rid: str) -> None:
    host = Host(offer)
    host.sends(1, 100, IDR, rid=rid)
    host.sends(1, 102, DELTA, rid=rid)
    assert host.frames(rid) == 1
    host.send_feedback()
    host.sends(9, 101, DELTA, rid=rid, retransmit=True)
    assert host.frames(rid) == 2
    # The rid is sent until the first report.
    host.sends(1, 104, DELTA)
    host.send_feedback()
    host.sends(9, 103, DELTA, retransmit=True)
    assert host.frames(rid) == 2
    assert host.layers[-1 if rid == "h" else 0].lost == 0


def test_a_key_frame_is_requested_beside_a_slow_repair() -> None:
    host = Host(ONE)
    host.sends(1, 100, IDR)
    host.sends(1, 102, DELTA)
    [layer] = host.layers
    layer.poll(now=host.now)
    host.send_feedback()
    assert layer.keys.sent == 0
    host.now += KEY_FRAME_REQUEST_AFTER_S
    host.send_feedback()
    assert layer.keys.sent == 1
    host.send_feedback()
    assert layer.keys.sent == 1, "one at a time"


def test_retransmits_without_a_nack_change_nothing() -> None:
    host = Host(SEVERAL)
    host.sends(9, 90, DELTA, rid="l", retransmit=True)
    host.sends(1, 100, IDR, rid="l")
    host.sends(1, 102, DELTA, rid="l")
    host.send_feedback()
    assert host.frames("l") == 1
    host.sends(7, 101, DELTA, rid="gone", retransmit=True)
    host.sends(9, 101, b"", rid="l", retransmit=True)  # padding that probes the link
    host.sends(9, 99, IDR, rid="l", retransmit=True)
    host.sends(9, 9_999, DELTA, rid="l", retransmit=True)
    assert host.frames("l") == 0
    host.sends(9, 101, DELTA, rid="l", retransmit=True)
    host.sends(9, 101, DELTA, rid="l", retransmit=True)
    assert host.frames("l") == 2


@pytest.mark.parametrize(
    ("offer", "taken"),
    [
        (OFFER, False),
        (ONE, True),
        (SEVERAL, True),
        (SEVERAL.replace(f"a=extmap:5 {REPAIRED_RID_URI}\r\n", ""), False),
    ],
)
def test_retransmits_are_negotiated_where_their_layer_can_be_known(offer: str, taken: bool) -> None:
    parsed = sdp.parse_offer(offer, "publish")
    sendings = list(sdp.choose_published(parsed).values())
    answer = sdp.answer(parsed, LOCAL, sendings, "publish")
    assert ("a=fmtp:97 apt=96\r\n" in answer) == taken
    assert ("m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n" in answer) == taken
    assert "a=ssrc" not in answer
