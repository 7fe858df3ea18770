"""The parts of a light viewer against independent ones: aioice's STUN, OpenSSL's DTLS server."""

import pylibsrtp
import pytest
from aioice import stun
from aiortc.rtcdtlstransport import (
    SRTP_AEAD_AES_128_GCM,
    SRTP_AES128_CM_SHA1_80,
    RTCCertificate,
    SRTPProtectionProfile,
)
from aiortc.sdp import SessionDescription
from OpenSSL import SSL

from loadtest.clients.dtls import ClientContext, DtlsClient, HandshakeFailed
from loadtest.clients.http import parse_head
from loadtest.clients.ice import answers, binding_request, choose_address, offer, parse_answer
from loadtest.errors import NoAnswer

ANSWER = """v=0\r
o=- 1 1 IN IP4 127.0.0.1\r
s=-\r
t=0 0\r
a=ice-lite\r
a=group:BUNDLE 0 1\r
m=video 9 UDP/TLS/RTP/SAVPF 102\r
a=mid:0\r
a=sendonly\r
a=ice-ufrag:srv1\r
a=ice-pwd:0123456789abcdef01234567\r
a=fingerprint:sha-256 aa:BB\r
a=setup:passive\r
a=rtpmap:102 H264/90000\r
a=candidate:1 1 udp 2130706431 192.0.2.7 8440 typ host\r
a=candidate:2 1 udp 2130706175 127.0.0.1 8440 typ host\r
m=audio 9 UDP/TLS/RTP/SAVPF 111\r
a=candidate:1 1 udp 2130706431 192.0.2.7 8440 typ host\r
"""


def test_the_offer_is_valid_sdp() -> None:
    parsed = SessionDescription.parse(offer("me", "p" * 32, "AA:BB"))
    assert [media.kind for media in parsed.media] == ["video", "audio"]
    assert parsed.media[0].rtp.codecs[0].mimeType == "video/H264"
    ice = parsed.media[0].ice
    assert ice is not None and ice.usernameFragment == "me"
    assert {media.direction for media in parsed.media} == {"recvonly"}


def test_the_answer_has_address_and_credentials() -> None:
    remote = parse_answer(ANSWER)
    assert (remote.ufrag, remote.fingerprint) == ("srv1", "AA:BB")
    assert remote.addresses == (("192.0.2.7", 8440), ("127.0.0.1", 8440))
    assert choose_address(remote, "127.0.0.1") == ("127.0.0.1", 8440)
    assert choose_address(remote, "shop.example") == ("192.0.2.7", 8440)


@pytest.mark.parametrize("line", ["a=ice-ufrag:srv1", "a=fingerprint:sha-256 aa:BB", "a=candidate"])
def test_an_incomplete_answer_is_no_answer(line: str) -> None:
    with pytest.raises(NoAnswer, match="the answer has no"):
        parse_answer("\r\n".join(kept for kept in ANSWER.splitlines() if not kept.startswith(line)))


def test_a_check_is_accepted_by_aioice_and_its_response_authenticated() -> None:
    remote = parse_answer(ANSWER)
    request = binding_request(remote, "me", 7)
    seen = stun.parse_message(bytes(request))
    assert seen.check_message_integrity(remote.password.encode())
    assert seen.attributes["USERNAME"] == "srv1:me"
    assert "USE-CANDIDATE" in seen.attributes and "ICE-CONTROLLING" in seen.attributes

    def response(password: str) -> bytes:
        message = stun.Message(
            stun.Method.BINDING,
            stun.Class.RESPONSE,
            transaction_id=request.transaction_id,
            attributes={"XOR-MAPPED-ADDRESS": ("127.0.0.1", 9)},
        )
        message.add_message_integrity(password.encode())
        return bytes(message)

    assert answers(request.transaction_id, response(remote.password), remote)
    assert not answers(request.transaction_id, response("wrong"), remote)
    assert not answers(b"x" * 12, response(remote.password), remote)
    assert not answers(request.transaction_id, b"\x01\x01junk", remote)


def shake_hands(client: DtlsClient, server: SSL.Connection) -> None:
    client.start()
    done = False
    for _ in range(10):
        for datagram in client.datagrams():
            server.bio_write(datagram)
        if not done:
            try:
                server.do_handshake()
                done = True
            except SSL.WantReadError:
                pass
        try:
            client.receive(server.bio_read(1_500))
        except SSL.WantReadError:
            if client.done and done:
                return


def server_side(
    profile: SRTPProtectionProfile = SRTP_AEAD_AES_128_GCM,
) -> tuple[SSL.Connection, str]:
    certificate = RTCCertificate.generateCertificate()
    context = certificate._create_ssl_context(srtp_profiles=[profile])
    server = SSL.Connection(context)
    server.set_accept_state()
    prints = certificate.getFingerprints()
    return server, next(print_.value for print_ in prints if print_.algorithm == "sha-256")


@pytest.mark.parametrize("profile", [SRTP_AEAD_AES_128_GCM, SRTP_AES128_CM_SHA1_80], ids=str)
def test_the_handshake_derives_the_servers_srtp_keys(profile: SRTPProtectionProfile) -> None:
    server, fingerprint = server_side(profile)
    client = DtlsClient(ClientContext.create(), fingerprint)
    shake_hands(client, server)
    assert client.done and client.incoming is not None
    salt_bytes = profile.salt_length
    material = server.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (16 + salt_bytes))
    key = material[16:32] + material[32 + salt_bytes :]
    outbound = pylibsrtp.Policy.SSRC_ANY_OUTBOUND
    policy = pylibsrtp.Policy(key=key, ssrc_type=outbound, srtp_profile=profile.libsrtp_profile)
    sender = pylibsrtp.Session(policy)
    packet = b"\x80\x66\x00\x01" + bytes(8) + b"frame"
    assert client.incoming.unprotect(sender.protect(packet)) == packet


def test_close_notify_closes_the_client() -> None:
    server, fingerprint = server_side()
    client = DtlsClient(ClientContext.create(), fingerprint)
    shake_hands(client, server)
    server.shutdown()
    client.receive(server.bio_read(1_500))
    assert client.closed


def test_a_server_with_another_certificate_is_refused() -> None:
    server, _ = server_side()
    client = DtlsClient(ClientContext.create(), "00:11")
    with pytest.raises(HandshakeFailed, match="certificate"):
        shake_hands(client, server)


def test_a_response_head_is_parsed() -> None:
    answer = parse_head(b"HTTP/1.1 201 Created\r\nLocation: /s/1\r\nContent-Length: 12\r\n\r\n")
    assert answer.status == 201
    assert answer.headers == {"location": "/s/1", "content-length": "12"}
