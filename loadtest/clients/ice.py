"""A viewer's half of WHEP signalling and ICE, as text and bytes: offer, answer, binding requests.

RFC 8445 (ICE; the server is lite, so the viewer controls), RFC 8489 (STUN), RFC 8829 (SDP).
"""

import ipaddress
import re
import socket
from dataclasses import dataclass

from aioice import stun

from loadtest.errors import NoAnswer

H264_PAYLOAD_TYPE = 102
RTX_PAYLOAD_TYPE = 103
OPUS_PAYLOAD_TYPE = 111
_TRANSPORT_WIDE_ID = 3
_TRANSPORT_WIDE_URI = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
# Type preference of a peer-reflexive candidate in the PRIORITY of a check (RFC 8445 §7.1.1).
_PRIORITY = 110 << 24 | 65_535 << 8 | 255


@dataclass(frozen=True, slots=True)
class Remote:
    """The server's side, from its SDP."""

    ufrag: str
    password: str
    addresses: tuple[tuple[str, int], ...]
    fingerprint: str
    video_payload_type: int
    wants_transport_feedback: bool  # instead of REMB
    takes_nacks: bool = False
    rtx_payload_type: int | None = None  # None: what is sent again is the same packet


def offer(
    ufrag: str,
    password: str,
    fingerprint: str,
    *,
    uses_remb: bool = True,
    uses_rtx: bool = True,
    setup: str = "actpass",
) -> str:
    """Return the offer of a viewer who takes H.264 (baseline) and Opus.

    It supports NACK and transport-wide feedback, and with `uses_remb` and `uses_rtx` REMB and RTX
    too, as browsers do. The viewer is a DTLS client: `active` as `setup` says so to servers that
    would take this role.
    """
    transport = (
        "c=IN IP4 0.0.0.0",
        f"a=ice-ufrag:{ufrag}",
        f"a=ice-pwd:{password}",
        "a=ice-options:trickle",
        f"a=fingerprint:sha-256 {fingerprint}",
        f"a=setup:{setup}",
        "a=rtcp-mux",
        "a=rtcp-mux-only",
        "a=recvonly",
    )
    video, audio = H264_PAYLOAD_TYPE, OPUS_PAYLOAD_TYPE
    profile = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"
    rtx = RTX_PAYLOAD_TYPE
    lines = (
        "v=0",
        "o=- 1 1 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0 1",
        "a=msid-semantic: WMS",
        f"m=video 9 UDP/TLS/RTP/SAVPF {video}{f' {rtx}' if uses_rtx else ''}",
        *transport,
        "a=mid:0",
        f"a=rtpmap:{video} H264/90000",
        f"a=fmtp:{video} {profile}",
        *([f"a=rtpmap:{rtx} rtx/90000", f"a=fmtp:{rtx} apt={video}"] if uses_rtx else []),
        f"a=rtcp-fb:{video} nack",
        f"a=rtcp-fb:{video} nack pli",
        *([f"a=rtcp-fb:{video} goog-remb"] if uses_remb else []),
        f"a=rtcp-fb:{video} transport-cc",
        "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
        f"a=extmap:{_TRANSPORT_WIDE_ID} {_TRANSPORT_WIDE_URI}",
        f"m=audio 9 UDP/TLS/RTP/SAVPF {audio}",
        *transport,
        "a=mid:1",
        f"a=rtpmap:{audio} opus/48000/2",
        f"a=fmtp:{audio} minptime=10;useinbandfec=1",
    )
    return "\r\n".join(lines) + "\r\n"


def answer_to(offer: str, ufrag: str, password: str, fingerprint: str) -> str:
    """Return the answer of a viewer who takes all of `offer`, as DTLS client, no extensions."""
    transport = (
        "c=IN IP4 0.0.0.0",
        f"a=ice-ufrag:{ufrag}",
        f"a=ice-pwd:{password}",
        f"a=fingerprint:sha-256 {fingerprint}",
        "a=setup:active",
        "a=rtcp-mux",
        "a=recvonly",
    )
    kept = ("a=group:", "a=mid:", "a=rtpmap:", "a=fmtp:")
    lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0"]
    for line in offer.splitlines():
        if line.startswith("m="):
            lines += [line, *transport]
        elif line.startswith(kept) or (line.startswith("a=rtcp-fb:") and " nack" in line):
            lines.append(line)
    return "\r\n".join(lines) + "\r\n"


def parse_answer(answer: str) -> Remote:
    """Return what a viewer needs of the server's description, an answer or an offer.

    Raises:
        NoAnswer: Something is missing in it.
    """

    def first(pattern: str) -> str:
        match = re.search(pattern, answer, re.MULTILINE)
        if match is None:
            raise NoAnswer(f"the answer has no {pattern.split(':')[0].removeprefix('^a=')}")
        return match[1].strip()

    if (setup := first(r"^a=setup:(\S+)")) not in ("passive", "actpass"):
        raise NoAnswer(f"the answer has setup:{setup}; this viewer is a DTLS client only")
    candidates = re.findall(
        r"^a=candidate:\S+ 1 (?:udp|UDP) \d+ ([\da-fA-F.:]+) (\d+) typ host", answer, re.MULTILINE
    )
    if not candidates:
        raise NoAnswer("the answer has no host candidate")
    video = int(first(r"^a=rtpmap:(\d+) H264/90000"))
    rtx = re.search(rf"^a=fmtp:(\d+) apt={video}\s*$", answer, re.MULTILINE)
    return Remote(
        ufrag=first(r"^a=ice-ufrag:(\S+)"),
        password=first(r"^a=ice-pwd:(\S+)"),
        addresses=tuple(dict.fromkeys((host, int(port)) for host, port in candidates)),
        fingerprint=first(r"^a=fingerprint:sha-256 (\S+)").upper(),
        video_payload_type=video,
        wants_transport_feedback=f"a=extmap:{_TRANSPORT_WIDE_ID} {_TRANSPORT_WIDE_URI}" in answer,
        takes_nacks=bool(re.search(rf"^a=rtcp-fb:({video}|\*) nack\s*$", answer, re.MULTILINE)),
        rtx_payload_type=int(rtx[1]) if rtx else None,
    )


def choose_address(remote: Remote, host: str) -> tuple[str, int]:
    """Return the candidate at `host`, where the HTTP server answered, or else the first."""
    return next((at for at in remote.addresses if at[0] == host), remote.addresses[0])


def socket_to(at: tuple[str, int]) -> socket.socket:
    """Return a UDP socket of the family of `at`."""
    family = socket.AF_INET6 if ":" in at[0] else socket.AF_INET
    return socket.socket(family, socket.SOCK_DGRAM)


def is_way(source: str, host: str) -> bool:
    """Whether packets can go from the address `source` of this machine to `host`."""
    try:
        here, there = ipaddress.ip_address(source), ipaddress.ip_address(host)
    except ValueError:
        return False
    return here.version == there.version and (there.is_loopback or not here.is_loopback)


def binding_request(remote: Remote, ufrag: str, tie_breaker: int) -> stun.Message:
    """Return a check that also nominates its pair; it serves as consent later (RFC 7675), too."""
    request = stun.Message(
        stun.Method.BINDING,
        stun.Class.REQUEST,
        attributes={
            "USERNAME": f"{remote.ufrag}:{ufrag}",
            "PRIORITY": _PRIORITY,
            "ICE-CONTROLLING": tie_breaker,
            "USE-CANDIDATE": None,
        },
    )
    request.add_message_integrity(remote.password.encode())
    return request


def answer_check(data: bytes, password: str, at: tuple[str, int]) -> bytes:
    """Return the answer to the check `data` that a full ICE agent sent from `at`; b"": none."""
    try:
        request = stun.parse_message(data)
        if request.message_class != stun.Class.REQUEST:
            return b""
        if not request.check_message_integrity(password.encode()):
            return b""
    except ValueError:
        return b""
    response = stun.Message(
        stun.Method.BINDING,
        stun.Class.RESPONSE,
        transaction_id=request.transaction_id,
        attributes={"XOR-MAPPED-ADDRESS": at},
    )
    response.add_message_integrity(password.encode())
    return bytes(response)


def answers(request_id: bytes, data: bytes, remote: Remote) -> bool:
    """Whether `data` is the authenticated success response to the request `request_id`."""
    try:
        message = stun.parse_message(data)
        if message.message_class != stun.Class.RESPONSE or message.transaction_id != request_id:
            return False
        return bool(message.check_message_integrity(remote.password.encode()))
    except ValueError:
        return False
