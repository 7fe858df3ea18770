"""WHIP and WHEP offers and answers (RFC 9725 section 4.2, RFC 8866), parsed with aiortc's SDP.

One BUNDLE, at most one audio and one video section, ICE-lite answers with all candidates. A host
may offer several simulcast layers (RFC 8853); we accept all of them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.sdp import MediaDescription, SessionDescription

from media.errors import BadOffer
from media.wire import transport_cc
from media.wire.codec import Codec

OFFER_CHARS_MAX = 60_000
SECTIONS_MAX = 2
FINGERPRINT_ALGORITHMS = ("sha-256", "sha-384", "sha-512")
HOST_PRIORITY = 2_130_706_431  # RFC 8445 section 5.1.2.1: host, local preference 65535, component 1

RID_URI = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_RID_URI = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
MID_URI = "urn:ietf:params:rtp-hdrext:sdes:mid"
SEND_TIME_URI = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
# Header extensions that we read from a host's packets, and that we write into a viewer's.
EXTENSIONS = {
    "publish": (MID_URI, RID_URI, REPAIRED_RID_URI, transport_cc.URI),
    "play": (SEND_TIME_URI,),
    "play, transport-cc": (transport_cc.URI,),
}
FEEDBACK = {
    "publish": ("nack", "nack pli", "transport-cc"),
    "play": ("nack", "nack pli", "goog-remb"),
    "play, transport-cc": ("nack", "nack pli", "transport-cc"),
}
RIDS_MAX = 4
# Offers may spell them otherwise (RFC 8866 section 6.6): GStreamer writes OPUS.
_NAMES = {name.lower(): name for name in ("H264", "VP8", "opus", "rtx")}
_RID = re.compile(r"[A-Za-z0-9_-]{1,16}")

Direction = Literal["publish", "play"]


@dataclass(frozen=True, slots=True)
class Section:
    """One m-line of an offer that we can answer."""

    kind: Literal["audio", "video"]
    mid: str
    codecs: tuple[Codec, ...]
    extensions: dict[str, int] = field(default_factory=dict)  # URI → id
    rids: tuple[str, ...] = ()  # the layers that a host can send

    def repair_of(self, codec: Codec) -> Codec | None:
        """Return the `rtx` that retransmits packets of `codec`."""
        for other in self.codecs:
            if other.name.lower() == "rtx" and other.repairs == codec.payload_type:
                return other
        return None


@dataclass(frozen=True, slots=True)
class Offer:
    """What an answer needs of an offer. `they_are_server`: its `setup` is `passive`."""

    sections: tuple[Section, ...]
    ufrag: str
    password: str
    fingerprints: tuple[tuple[str, str], ...]
    they_are_server: bool


@dataclass(frozen=True, slots=True)
class Sending:
    """One section of an answer: its codec, and for what we send, our SSRCs."""

    section: Section
    codec: Codec
    ssrc: int = 0
    repair: Codec | None = None  # `rtx`, on the SSRC after `ssrc`
    sends_transport_feedback: bool = False  # a viewer does, instead of REMB


@dataclass(frozen=True, slots=True)
class Local:
    """Our side of a session."""

    ufrag: str
    password: str
    fingerprint: str  # sha-256, upper-case hex with colons
    candidates: Sequence[tuple[str, int]]


def parse_offer(text: str, direction: Direction) -> Offer:
    """Parse and check an offer to publish or to play.

    Raises:
        BadOffer: It is not SDP (`well_formed` false), or we cannot answer all of it.
    """
    if len(text) > OFFER_CHARS_MAX:
        raise BadOffer("The offer is too long.", well_formed=False)
    if not text.startswith("v=0"):
        raise BadOffer("The body is not SDP.", well_formed=False)
    try:
        session = SessionDescription.parse(text)
    except (AssertionError, AttributeError, LookupError, RuntimeError, StopIteration):
        raise BadOffer("The SDP cannot be read.", well_formed=False) from None
    except (TypeError, ValueError):
        raise BadOffer("The SDP has a malformed line.", well_formed=False) from None
    if not session.media:
        raise BadOffer("The offer has no media.")
    if len(session.media) > SECTIONS_MAX:
        raise BadOffer("At most one audio and one video section can be answered.")
    texts = re.split(r"^(?=m=)", text, flags=re.MULTILINE)[1:]
    sections = tuple(
        _section(media, body, direction) for media, body in zip(session.media, texts, strict=False)
    )
    if len({section.kind for section in sections}) != len(sections):
        raise BadOffer("At most one audio and one video section can be answered.")
    if len({section.mid for section in sections}) != len(sections):
        raise BadOffer("The sections need different mids.")
    first = session.media[0]
    if not first.ice or not first.ice.usernameFragment or not first.ice.password:
        raise BadOffer("The offer has no ICE credentials.")
    if not first.dtls or not (prints := _fingerprints(first)):
        raise BadOffer("The offer has no DTLS fingerprint of SHA-256 or better.")
    return Offer(
        sections,
        first.ice.usernameFragment,
        first.ice.password,
        prints,
        they_are_server=first.dtls.role == "server",
    )


class Published(NamedTuple):
    """A host's offer, what was chosen of it by kind, and the answer."""

    offer: Offer
    sendings: dict[str, Sending]
    answer: str


def answer_published(text: str, local: Local) -> Published:
    """Answer a host's offer.

    Raises:
        BadOffer: It cannot be answered.
    """
    offer = parse_offer(text, "publish")
    sendings = choose_published(offer)
    return Published(offer, sendings, answer(offer, local, list(sendings.values()), "publish"))


def choose_published(offer: Offer) -> dict[str, Sending]:
    """Choose a host's codecs, by kind.

    Raises:
        BadOffer: A section has none of H.264 (packetization-mode 1), VP8 or Opus.
    """
    chosen: dict[str, Sending] = {}
    for section in offer.sections:
        ranked = sorted(section.codecs, key=_publish_rank)
        if not ranked or _publish_rank(ranked[0]) > 9:
            raise BadOffer(f"The {section.kind} section has no codec that we take.")
        # With several layers, rtx packets must name their layer (RFC 8852 section 3.2).
        assignable = not section.rids or REPAIRED_RID_URI in section.extensions
        repair = section.repair_of(ranked[0]) if section.kind == "video" and assignable else None
        codec = ranked[0]
        if section.kind == "audio" and codec.is_stereo:
            # Without it a sender sends mono, whatever it has (RFC 7587 section 6.1).
            codec = codec.with_parameter("stereo", "1")
        chosen[section.kind] = Sending(section, codec, repair=repair)
    if "video" not in chosen:
        raise BadOffer("A live needs video.")
    return chosen


def choose_played(
    offer: Offer, live: dict[str, Codec], ssrcs: dict[str, int], *, layers: int
) -> list[Sending]:
    """Choose for each section of a viewer's offer the codec that the live is encoded with.

    With several video `layers` a viewer sends transport-wide feedback if it can: that costs more
    than REMB and shows congestion sooner.

    Raises:
        BadOffer: The viewer does not support the codec.
    """
    chosen = []
    for section in offer.sections:
        codec = live.get(section.kind) or Codec("opus", 0, 48_000)
        fitting = [other for other in section.codecs if _plays(other, codec)]
        if not fitting:
            raise BadOffer(f"This live is {codec.name}, which the offer does not play.")
        # The same profile first; a browser that decodes one H.264 profile decodes them all.
        fitting.sort(key=lambda other: other.h264_profile != codec.h264_profile)
        repair = section.repair_of(fitting[0]) if section.kind == "video" else None
        feedback = _offers_transport_cc(section, fitting[0]) and (
            layers > 1 or "goog-remb" not in fitting[0].feedback
        )
        ssrc, theirs = ssrcs.get(section.kind, 0), fitting[0]
        if section.kind == "audio" and codec.is_stereo:
            theirs = theirs.with_parameter("sprop-stereo", "1")
        chosen.append(Sending(section, theirs, ssrc, repair, feedback))
    return chosen


def _offers_transport_cc(section: Section, codec: Codec) -> bool:
    offered = "transport-cc" in codec.feedback and transport_cc.URI in section.extensions
    return offered and section.kind == "video"


def answer(offer: Offer, local: Local, sendings: Sequence[Sending], direction: Direction) -> str:
    """Return the answer to `offer` with all candidates (RFC 9725 section 4.3.2)."""
    mids = " ".join(sending.section.mid for sending in sendings)
    lines = [
        "v=0",
        "o=- 1 1 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        f"a=group:BUNDLE {mids}",
        "a=ice-lite",
        "a=msid-semantic: WMS *",
    ]
    for sending in sendings:
        lines += _answer_section(offer, local, sending, direction)
    return "\r\n".join(lines) + "\r\n"


def answer_restart(local: Local, first: Section) -> str:
    """Return the fragment that answers an ICE restart (RFC 9725 section 4.3.3)."""
    lines = [
        "a=ice-lite",
        f"a=ice-ufrag:{local.ufrag}",
        f"a=ice-pwd:{local.password}",
        f"m={first.kind} 9 UDP/TLS/RTP/SAVPF {first.codecs[0].payload_type}",
        f"a=mid:{first.mid}",
        *_candidates(local),
    ]
    return "\r\n".join(lines) + "\r\n"


def _candidates(local: Local) -> list[str]:
    lines = [
        f"a=candidate:{number} 1 udp {HOST_PRIORITY - (number - 1 << 8)} {address} {port} typ host"
        for number, (address, port) in enumerate(local.candidates, 1)
    ]
    return [*lines, "a=end-of-candidates"]


def _answer_section(
    offer: Offer, local: Local, sending: Sending, direction: Direction
) -> list[str]:
    section, codec, pt = sending.section, sending.codec, sending.codec.payload_type
    channels = "/2" if codec.name == "opus" else ""
    types = f"{pt} {sending.repair.payload_type}" if sending.repair else f"{pt}"
    lines = [
        f"m={section.kind} 9 UDP/TLS/RTP/SAVPF {types}",
        "c=IN IP4 0.0.0.0",
        f"a=mid:{section.mid}",
        "a=recvonly" if direction == "publish" else "a=sendonly",
        "a=rtcp-mux",
        "a=rtcp-mux-only",
        f"a=ice-ufrag:{local.ufrag}",
        f"a=ice-pwd:{local.password}",
        f"a=fingerprint:sha-256 {local.fingerprint}",
        f"a=setup:{'active' if offer.they_are_server else 'passive'}",
        f"a=rtpmap:{pt} {codec.name}/{codec.clock_hz}{channels}",
    ]
    if codec.parameters:
        lines.append(f"a=fmtp:{pt} {codec.parameters}")
    if section.kind == "video":
        feedback = direction == "play" and sending.sends_transport_feedback
        how = "play, transport-cc" if feedback else direction
        lines += [f"a=rtcp-fb:{pt} {one}" for one in FEEDBACK[how] if one in codec.feedback]
        lines += [
            f"a=extmap:{section.extensions[uri]} {uri}"
            for uri in EXTENSIONS[how]
            if uri in section.extensions
        ]
    if direction == "publish" and section.rids:
        lines += [f"a=rid:{rid} recv" for rid in section.rids]
        lines.append(f"a=simulcast:recv {';'.join(section.rids)}")
    if sending.ssrc:
        lines += [f"a=msid:live {section.kind}", f"a=ssrc:{sending.ssrc} cname:live"]
    lines += _repairs(sending)
    lines += _candidates(local)
    return lines


def _repairs(sending: Sending) -> list[str]:
    """RFC 4588 section 8: retransmits have a payload type and an SSRC of their own."""
    if sending.repair is None:
        return []
    pt, rtx = sending.codec.payload_type, sending.repair.payload_type
    lines = [f"a=rtpmap:{rtx} rtx/{sending.codec.clock_hz}", f"a=fmtp:{rtx} apt={pt}"]
    if sending.ssrc:
        lines.append(f"a=ssrc-group:FID {sending.ssrc} {sending.ssrc + 1}")
        lines.append(f"a=ssrc:{sending.ssrc + 1} cname:live")
    return lines


def _section(media: MediaDescription, text: str, direction: Direction) -> Section:
    if media.kind not in ("audio", "video"):
        raise BadOffer(f"A section of kind {media.kind!r} cannot be answered.")
    ours = {"publish": ("sendonly", "sendrecv", None), "play": ("recvonly", "sendrecv", None)}
    if media.direction not in ours[direction]:
        raise BadOffer(f"To {direction}, a section cannot be {media.direction}.")
    if not media.rtcp_mux:
        raise BadOffer("RTP and RTCP must share a port (rtcp-mux).")
    codecs = tuple(
        _codec(codec)
        for codec in media.rtp.codecs
        if codec.payloadType is not None and 0 <= codec.payloadType < 128
    )
    kind: Literal["audio", "video"] = "audio" if media.kind == "audio" else "video"
    extensions = {
        extension.uri: extension.id
        for extension in media.rtp.headerExtensions
        if 0 < extension.id < 15
    }
    rids = _rids(text) if direction == "publish" and RID_URI in extensions else ()
    return Section(kind, media.rtp.muxId or "", codecs, extensions, rids)


def _rids(text: str) -> tuple[str, ...]:
    """Return the layers that a section offers to send (RFC 8853 section 5.1)."""
    found = re.search(r"^a=simulcast:(?:recv \S+ )?send (\S+)", text, flags=re.MULTILINE)
    if found is None:
        return ()
    # The first of alternatives (comma); an initially paused layer (~) may start later.
    rids = [one.partition(",")[0].lstrip("~") for one in found[1].split(";")]
    if len(set(rids)) != len(rids) or not all(_RID.fullmatch(rid) for rid in rids):
        raise BadOffer("The simulcast line has a malformed rid, or one twice.")
    if len(rids) > RIDS_MAX:
        raise BadOffer(f"At most {RIDS_MAX} simulcast layers can be taken.")
    return tuple(rids)


def _codec(codec: RTCRtpCodecParameters) -> Codec:
    parameters = ";".join(
        key if value is None else f"{key}={value}" for key, value in codec.parameters.items()
    )
    assert codec.payloadType is not None
    feedback = tuple(
        f"{one.type} {one.parameter}" if one.parameter else one.type for one in codec.rtcpFeedback
    )
    name = _NAMES.get(codec.name.lower(), codec.name)
    return Codec(name, codec.payloadType, codec.clockRate, parameters, feedback)


def _fingerprints(media: MediaDescription) -> tuple[tuple[str, str], ...]:
    assert media.dtls
    return tuple(
        (given.algorithm.lower(), given.value.upper())
        for given in media.dtls.fingerprints
        if given.algorithm.lower() in FINGERPRINT_ALGORITHMS
    )


def _is_h264(codec: Codec) -> bool:
    return codec.name.upper() == "H264" and "packetization-mode=1" in codec.parameters


def _publish_rank(codec: Codec) -> int:
    """Lower is better; above 9 is refused. Baseline is decoded everywhere, so it comes first."""
    if codec.name.lower() == "opus":
        return 0
    if _is_h264(codec):
        return 1 if codec.h264_profile == "42" else 2
    return 3 if codec.name.upper() == "VP8" else 10


def _plays(theirs: Codec, live: Codec) -> bool:
    if live.name.upper() == "H264":
        return _is_h264(theirs)
    return theirs.name.lower() == live.name.lower()
