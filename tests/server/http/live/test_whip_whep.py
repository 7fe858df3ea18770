"""The clauses of WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep-03), one test each."""

import asyncio
import base64
import hmac
import re
import secrets
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from aioice import stun
from pydantic import SecretStr

from media.io.webrtc.intake import GONE_S
from media.io.webrtc.plane import MediaPlane
from media.io.webrtc.session import Direction
from media.wire.rtp import Packet
from media.wire.sdp import RID_URI
from server.app import build
from server.limits import RATES, LimitKind, Rate
from server.ops.maintenance import load
from server.settings import Settings
from tests.support.address_families import is_at
from tests.support.running import SHOP
from tests.support.sdp_offers import OFFER

WHIP, WHEP = "/live/demo/whip", "/live/demo/whep"
SDP = {"Content-Type": "application/sdp"}
FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}
PLAY_OFFER = OFFER.replace("sendonly", "recvonly")
TRICKLE = (
    "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n"
    "a=mid:0\r\na=candidate:1 1 udp 1 nowhere.invalid 9 typ host\r\n"
    "a=candidate:2 1 quic 1 192.0.2.1 9 typ strange\r\na=end-of-candidates\r\n"
)
RESTART = "a=ice-ufrag:newone\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n"


@dataclass
class Linli:
    """A server in this process, and a client that speaks for the host."""

    client: httpx.AsyncClient
    media: MediaPlane
    host: dict[str, str]

    async def publish(self, offer: str = OFFER) -> httpx.Response:
        answer = await self.client.post(WHIP, content=offer, headers={**self.host, **SDP})
        if answer.status_code == 201:
            self.media._lives.by_room["demo"].on_air = True  # as if its media had come
        return answer

    async def play(self) -> httpx.Response:
        await self.publish()
        return await self.client.post(WHEP, content=PLAY_OFFER, headers=SDP)

    async def patch(
        self, session: httpx.Response, body: str, if_match: str | None, **headers: str
    ) -> httpx.Response:
        sent = {**FRAGMENT, **headers} | ({"If-Match": if_match} if if_match else {})
        return await self.client.patch(session.headers["Location"], content=body, headers=sent)


@pytest.fixture
async def linli(tmp_path: Path) -> AsyncIterator[Linli]:
    settings = Settings(
        port=0,
        ice_port=0,
        ice_addresses=("127.0.0.1",),
        data_dir=tmp_path,
        ice_servers=("stun:stun.example.org", "turn:turn.example.org:3478?transport=tcp"),
        turn_secret=SecretStr("closed networks"),
    )
    await load(settings, SHOP, "a good password")
    async with build(settings) as program:
        transport = httpx.ASGITransport(program.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://linli") as client:
            made = {"username": "chunjiang", "password": "a good password"}
            token = (await client.post("/api/login", json=made)).json()["token"]
            host = {"Authorization": f"Bearer {token}"}
            yield Linli(client, program.services.media, host)


def refused(answer: httpx.Response, status: int) -> None:
    """RFC 9457: a problem document, open to pages of other origins."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.json()["title"]


async def test_answer_is_complete_rfc_9725_section_4_2(linli: Linli) -> None:
    answer = await linli.publish()
    assert answer.status_code == 201
    assert answer.headers["Content-Type"] == "application/sdp"
    assert answer.headers["Location"].startswith(WHIP + "/")
    sections = answer.text.split("m=")[1:]
    assert len(sections) == 2
    for section in sections:
        for link in ("a=recvonly", "a=rtcp-mux\r", "a=rtcp-mux-only", "a=setup:passive"):
            assert link in section
        assert "a=candidate:" in section
        assert "a=end-of-candidates" in section
    assert "a=ice-lite" in answer.text
    assert "a=group:BUNDLE 0 1" in answer.text


async def test_ice_credentials_have_the_form_of_rfc_8839_section_5_4(linli: Linli) -> None:
    text = (await linli.publish()).text
    assert re.search(r"^a=ice-ufrag:[A-Za-z0-9+/]{4,256}\r$", text, re.M)
    assert re.search(r"^a=ice-pwd:[A-Za-z0-9+/]{22,256}\r$", text, re.M)


async def test_a_wrong_content_type_is_415_and_no_sdp_400_section_4_2(linli: Linli) -> None:
    refused(await linli.client.post(WHIP, content=OFFER, headers=linli.host), 415)
    refused(await linli.publish("hello"), 400)


@pytest.mark.parametrize("direction", ["recvonly", "inactive"])
async def test_a_host_cannot_offer_to_receive_section_4_2(linli: Linli, direction: str) -> None:
    refused(await linli.publish(OFFER.replace("sendonly", direction)), 422)


async def test_there_are_no_partial_answers_section_4_4_3(linli: Linli) -> None:
    refused(await linli.publish(OFFER.replace("H264/90000", "AV9/90000")), 422)


async def test_codec_names_are_case_insensitive_rfc_8866_section_6_6(linli: Linli) -> None:
    offer = OFFER.replace("opus", "OPUS").replace("H264", "h264")
    answer = await linli.publish(offer)
    assert answer.status_code == 201, answer.text
    assert "a=rtpmap:111 opus/48000/2\r\n" in answer.text
    assert "a=rtpmap:96 H264/90000\r\n" in answer.text


async def test_answer_has_no_feedback_that_was_not_offered_rfc_4585_section_4_2(
    linli: Linli,
) -> None:
    assert "a=rtcp-fb" not in (await linli.publish()).text
    answer = await linli.publish(f"{OFFER}a=rtcp-fb:96 nack pli\r\na=rtcp-fb:96 ccm fir\r\n")
    assert re.findall("a=rtcp-fb:(.+)\r\n", answer.text) == ["96 nack pli"]


async def test_publishing_needs_a_bearer_token_section_4_7(linli: Linli) -> None:
    refused(await linli.client.post(WHIP, content=OFFER, headers=SDP), 401)
    session = await linli.publish()
    refused(await linli.client.delete(session.headers["Location"]), 401)
    refused(await linli.patch(session, TRICKLE, session.headers["ETag"]), 401)


@pytest.mark.parametrize("url", [WHIP, WHEP, "session"])
async def test_get_and_head_are_2xx_without_content_section_4_1(linli: Linli, url: str) -> None:
    if url == "session":
        url = (await linli.play()).headers["Location"]
    for method in ("GET", "HEAD"):
        answer = await linli.client.request(method, url)
        assert answer.is_success
        assert answer.content == b""


async def test_a_player_is_sent_one_stream_draft_section_4_2(linli: Linli) -> None:
    sections = (await linli.play()).text.split("m=")[1:]
    assert len(sections) == 2
    for section in sections:
        assert "a=sendonly\r\n" in section
        assert re.findall("a=msid:(.+) ", section) == ["live"]  # one MediaStream
    refused(await linli.client.post(WHEP, content=OFFER, headers=SDP), 422)


async def test_at_most_one_section_of_a_kind_section_4_4_2(linli: Linli) -> None:
    video = OFFER[OFFER.index("m=video") :]
    refused(await linli.publish(OFFER + video.replace("a=mid:1", "a=mid:2")), 422)
    sound = OFFER[OFFER.index("m=audio") : OFFER.index("m=video")]
    twice = OFFER.replace(video, sound.replace("a=mid:0", "a=mid:1"))
    refused(await linli.publish(twice), 422)


async def test_an_actpass_offer_is_answered_passive_section_4_4_4(linli: Linli) -> None:
    for offered, answered in (("actpass", "passive"), ("active", "passive"), ("passive", "active")):
        answer = await linli.publish(OFFER.replace("setup:actpass", f"setup:{offered}"))
        assert re.findall("a=setup:(.+)\r\n", answer.text) == [answered] * 2


async def test_no_redirect_is_one_that_turns_post_into_get_section_4_5(linli: Linli) -> None:
    for url in (f"{WHIP}/", f"/{WHIP}", "/live/demo/WHIP"):
        answer = await linli.client.post(url, content=OFFER, headers={**linli.host, **SDP})
        assert answer.status_code not in (301, 302), url


@pytest.mark.parametrize("url", [WHIP, WHEP])
async def test_a_full_server_is_503_with_retry_after_section_4_5(
    linli: Linli, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await linli.publish()
    monkeypatch.setattr("media.io.webrtc.sessions.SESSIONS_MAX", 1)
    offer = OFFER if url == WHIP else PLAY_OFFER
    answer = await linli.client.post(url, content=offer, headers={**linli.host, **SDP})
    refused(answer, 503)
    assert int(answer.headers["Retry-After"]) > 0


async def test_a_busy_server_takes_no_more_viewers_section_4_5(linli: Linli) -> None:
    await linli.publish()
    linli.media.load.busy = 0.91
    answer = await linli.client.post(WHEP, content=PLAY_OFFER, headers=SDP)
    refused(answer, 503)
    assert int(answer.headers["Retry-After"]) > 0
    assert (await linli.publish()).status_code == 201, "hosts are the last to be turned away"


async def test_too_many_requests_are_429_section_5(
    linli: Linli, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await linli.play()
    few = Rate(burst=2, per_s=0.01)
    for kind in (LimitKind.ICE, LimitKind.PLAY, LimitKind.PUBLISH):
        monkeypatch.setitem(RATES, kind, few)
    missing = session.headers["Location"] + "x"
    asks: list[Callable[[], Awaitable[httpx.Response]]] = [
        lambda: linli.patch(session, TRICKLE, session.headers["ETag"]),
        lambda: linli.client.delete(missing),
        lambda: linli.client.post(WHEP, content=PLAY_OFFER, headers=SDP),
        lambda: linli.publish("hello"),
    ]
    for ask in asks:
        for _ in range(3):
            answer = await ask()
        refused(answer, 429)
        assert int(answer.headers["Retry-After"]) > 0
    assert (await linli.client.delete(session.headers["Location"])).status_code == 200


async def test_ended_session_revokes_consent_at_once_section_4_2_and_rfc_7675(
    linli: Linli,
) -> None:
    session = await linli.play()
    ours = credentials(session.text)
    assert await answers(linli.media.port, ours)
    await linli.media.end("demo")
    assert not await answers(linli.media.port, ours)
    refused(await linli.client.get(session.headers["Location"]), 404)


async def test_extensions_are_named_and_never_required_section_4_9(linli: Linli) -> None:
    session = await linli.play()
    named = re.findall(r'rel="(urn:ietf:params:whep:ext:[^"]+)"', str(session.headers))
    assert named == [
        "urn:ietf:params:whep:ext:core:server-sent-events",
        "urn:ietf:params:whep:ext:core:layer",
    ]
    assert session.status_code == 201


async def test_head_of_the_endpoint_identifies_whep_draft_section_4_2(linli: Linli) -> None:
    answer = await linli.client.head(WHEP)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/sdp")


async def test_options_has_accept_post_and_accept_patch_section_4_2_and_4_6(linli: Linli) -> None:
    session = (await linli.play()).headers["Location"]
    for url in (WHIP, WHEP, session):
        answer = await linli.client.options(url)
        assert answer.status_code == 200
        assert answer.headers["Accept-Post"] == "application/sdp"
        allowed = answer.headers["Access-Control-Allow-Headers"].lower()
        assert all(name in allowed for name in ("authorization", "content-type", "if-match"))
        assert "link" not in answer.headers  # credentials are not for preflights
    assert "sdpfrag" in answer.headers["Accept-Patch"]


async def test_cors_exposes_the_whip_and_whep_headers(linli: Linli) -> None:
    exposed = (await linli.play()).headers["Access-Control-Expose-Headers"]
    needed = {"Location", "ETag", "Link", "Retry-After", "Server-Timing"}
    assert needed <= set(exposed.split(", "))


async def test_server_timing_has_the_repair_delay_of_the_host(linli: Linli) -> None:
    """As a metric of W3C Server Timing, for the delay that their page begins with."""
    assert (await linli.play()).headers["Server-Timing"] == "held;dur=0"
    track = linli.media._lives.by_room["demo"].tracks["video"].layers[0]
    for sequence in (1, 3):
        track.receive(Packet(96, False, sequence, 0, 1, b"\x65\x88"), now=10.0)
    track.poll(now=10.0)
    track.receive(Packet(96, False, 2, 0, 1, b"\x65\x88"), now=10.18)
    track.poll(now=10.18)
    again = await linli.client.post(WHEP, content=PLAY_OFFER, headers=SDP)
    # And a round trip more, for one that is lost itself, and the time of a frame.
    assert again.headers["Server-Timing"] == "held;dur=320"


async def test_the_session_of_a_host_that_another_one_replaced_is_410(linli: Linli) -> None:
    first = (await linli.publish()).headers["Location"]
    second = (await linli.publish()).headers["Location"]
    answer = await linli.client.get(first)
    refused(answer, 410)
    assert answer.json()["type"] == "urn:linli:problem:taken-over"
    assert (await linli.client.get(second)).status_code == 204


async def test_the_session_of_a_standby_host_that_gave_way_is_404(linli: Linli) -> None:
    standby = await linli.media.publish("demo", OFFER, takeover=False)
    await linli.publish()
    refused(await linli.client.get(f"{WHIP}/{standby.id}"), 404)


async def test_the_session_of_a_host_whose_live_another_worker_has_is_410(linli: Linli) -> None:
    url = (await linli.publish()).headers["Location"]
    await linli.media.yield_to_other_worker("demo")
    refused(await linli.client.get(url), 410)


async def test_delete_ignores_if_match_section_4_2(linli: Linli) -> None:
    url = (await linli.play()).headers["Location"]
    answer = await linli.client.delete(url, headers={"If-Match": '"another"'})
    assert answer.status_code == 200
    refused(await linli.client.delete(url), 404)
    refused(await linli.client.get(url), 404)


async def test_session_addresses_cannot_be_guessed_section_5(linli: Linli) -> None:
    urls = [(await linli.play()).headers["Location"] for _ in range(2)]
    assert urls[0] != urls[1]
    assert all(len(url.rpartition("/")[2]) >= 22 for url in urls)


async def test_play_before_the_live_is_409_with_retry_after_draft_section_4_2(
    linli: Linli,
) -> None:
    answer = await linli.client.post(WHEP, content=PLAY_OFFER, headers=SDP)
    refused(answer, 409)
    assert int(answer.headers["Retry-After"]) > 0


async def test_trickled_candidates_are_taken_section_4_3_2(linli: Linli) -> None:
    session = await linli.play()
    answer = await linli.patch(session, TRICKLE, session.headers["ETag"])
    assert (answer.status_code, answer.content) == (204, b"")
    assert "etag" not in answer.headers


async def test_a_patch_without_if_match_is_428_with_a_stale_one_412_section_4_3_1(
    linli: Linli,
) -> None:
    session = await linli.play()
    refused(await linli.patch(session, TRICKLE, None), 428)
    refused(await linli.patch(session, TRICKLE, '"old"'), 412)


async def test_a_patch_of_another_kind_is_415_a_broken_one_400_section_4_3_1(
    linli: Linli,
) -> None:
    session = await linli.play()
    etag = session.headers["ETag"]
    refused(await linli.patch(session, TRICKLE, etag, **{"Content-Type": "text/plain"}), 415)
    for broken in ("", "hello", "a=ice-ufrag:abcd\r\n", RESTART.replace("newone", "a b")):
        refused(await linli.patch(session, broken, etag), 400)
    refused(await linli.patch(session, "a=end-of-candidates\r\n", "*"), 422)


async def test_a_restart_gives_new_credentials_and_a_new_etag_section_4_3_3(linli: Linli) -> None:
    session = await linli.play()
    assert re.fullmatch(r'"[^"]+"', session.headers["ETag"])  # a strong one
    answer = await linli.patch(session, RESTART, "*")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == FRAGMENT["Content-Type"]
    assert answer.headers["ETag"] != session.headers["ETag"]
    for link in ("a=ice-lite", "a=mid:0", "a=candidate:", "a=end-of-candidates"):
        assert link in answer.text
    refused(await linli.patch(session, TRICKLE, session.headers["ETag"]), 412)
    trickled = await linli.patch(session, TRICKLE.replace("abcd", "newone"), answer.headers["ETag"])
    assert trickled.status_code == 204


async def test_old_ice_session_works_until_the_restart_is_used_section_4_3_3(
    linli: Linli,
) -> None:
    session = await linli.play()
    before = credentials(session.text)
    await linli.patch(session, RESTART.replace("newone", "lost"), "*")
    after = credentials((await linli.patch(session, RESTART, "*")).text)
    assert await answers(linli.media.port, before)
    assert await answers(linli.media.port, after)
    assert not await answers(linli.media.port, before)
    assert await answers(linli.media.port, after)


async def test_unused_restarts_are_forgotten(linli: Linli) -> None:
    session = await linli.play()
    for number in range(8):
        await linli.patch(session, RESTART.replace("newone", f"again{number}"), "*")
    assert len(linli.media._sessions._by_ufrag) == 1 + 2  # the host's, and the player's two newest
    await linli.client.delete(session.headers["Location"])
    assert len(linli.media._sessions._by_ufrag) == 1


async def test_ice_servers_come_as_links_section_4_6(linli: Linli) -> None:
    for answer in (await linli.publish(), await linli.play()):
        links = [link for link in answer.headers.get_list("Link") if "ice-server" in link]
        assert '<stun:stun.example.org>; rel="ice-server"' in links
        [turn] = [link for link in links if link.startswith("<turn:")]
        found = dict(re.findall(r'(\w[\w-]*)="([^"]*)"', turn))
        assert found["credential-type"] == "password"
        assert int(found["username"].partition(":")[0]) > time.time() + 3_600
        digest = hmac.digest(b"closed networks", found["username"].encode(), "sha1")
        assert base64.b64decode(found["credential"]) == digest


async def test_event_types_are_offered_and_selected_whep_extension(linli: Linli) -> None:
    session = await linli.play()
    [link] = [link for link in session.headers.get_list("Link") if "server-sent-events" in link]
    events = re.match(r"<([^>]+)>", link)
    assert events
    chosen = await linli.client.post(events[1], json=["viewercount", "scte35"])
    assert chosen.status_code == 201
    assert chosen.headers["Location"].endswith("?of=viewercount")
    refused(await linli.client.post(events[1], json=["scte35"]), 422)
    refused(await linli.client.post(events[1], content="active"), 400)
    refused(await linli.client.post(events[1], content=b"[" * 1_900), 400)
    refused(await linli.client.post(events[1], json=["active"] * 1_000), 413)
    await linli.client.delete(session.headers["Location"])
    refused(await linli.client.post(events[1], json=["active"]), 404)


def credentials(text: str) -> tuple[str, bytes]:
    """The server's ufrag and password in an answer or a fragment."""
    found = re.search(r"a=ice-ufrag:(\S+)\s+a=ice-pwd:(\S+)", text)
    assert found
    return found[1], found[2].encode()


async def answers(port: int, ours: tuple[str, bytes]) -> bool:
    """Whether a connectivity check with these credentials is answered."""
    with peer_of(port) as peer:
        return await checks(peer, ours)


def peer_of(port: int) -> socket.socket:
    """Another address, from which the server's port can be reached."""
    peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    peer.setblocking(False)
    peer.connect(("127.0.0.1", port))
    return peer


async def checks(peer: socket.socket, ours: tuple[str, bytes], *, names: bool = False) -> bool:
    """Whether a check from there is answered; `names`: with USE-CANDIDATE."""
    ufrag, password = ours
    check = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    check.attributes["USERNAME"] = f"{ufrag}:theirs"
    if names:
        check.attributes["USE-CANDIDATE"] = None
    check.add_message_integrity(password)
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(peer, bytes(check))
    try:
        async with asyncio.timeout(0.3):
            while True:  # a viewer is asked how far it is, too
                answer = stun.parse_message(await loop.sock_recv(peer, 1_500))
                if answer.transaction_id == check.transaction_id:
                    return answer.message_class is stun.Class.RESPONSE
    except TimeoutError:
        return False


async def test_media_follows_a_peer_that_names_another_pair_or_is_gone_rfc_8445(
    linli: Linli,
) -> None:
    """Section 7.3.1.5, and 12.1: what is sent may go over any pair that was checked."""
    answer = await linli.play()
    ours, port = credentials(answer.text), linli.media.port
    session = linli.media.session(
        answer.headers["Location"].rpartition("/")[2], "demo", Direction.PLAY
    )
    with peer_of(port) as first, peer_of(port) as second, peer_of(port) as third:
        assert await checks(first, ours)
        assert is_at(session.address, first)
        assert await checks(second, ours)
        assert is_at(session.address, first), "another pair is but checked"
        assert await checks(second, ours, names=True)
        assert is_at(session.address, second)
        session.received_at -= GONE_S
        assert not await checks(third, (ours[0], b"another password"))
        assert is_at(session.address, second), "who cannot prove it is nobody"
        assert await checks(third, ours)
        assert is_at(session.address, third)


async def test_layers_are_listed_and_chosen_whep_extension(linli: Linli) -> None:
    simulcast = OFFER.replace(
        "a=mid:1\r\n", f"a=mid:1\r\na=extmap:4 {RID_URI}\r\na=simulcast:send l;h\r\n"
    )
    await linli.publish(simulcast)
    linli.media._lives.by_room["demo"].on_air = True
    session = await linli.client.post(WHEP, content=PLAY_OFFER, headers=SDP)
    [url] = re.findall(
        r"<(\S+)>; rel=\"urn:ietf:params:whep:ext:core:layer\"", session.headers["Link"]
    )
    listed = (await linli.client.get(url)).json()
    assert [layer["encodingId"] for layer in listed["layers"]] == ["l", "h"]
    assert (listed["current"], listed["chosen"]) == (None, None)
    wish = {"mediaId": "1", "encodingId": "h", "maxHeight": 720}
    assert (await linli.client.post(url, json=wish)).status_code == 204
    assert (await linli.client.get(url)).json()["chosen"] == "h"
    refused(await linli.client.post(url, json={"encodingId": "x"}), 422)
    refused(await linli.client.post(url, json={"maxHeight": 0}), 422)
    refused(await linli.client.post(url, content="no JSON"), 422)
    await linli.client.delete(session.headers["Location"])
    refused(await linli.client.get(url), 404)
    refused(await linli.client.post(url, json=wish), 404)


async def test_simulcast_is_answered_with_all_rids_section_4_8_and_rfc_8853(linli: Linli) -> None:
    offer = OFFER.replace(
        "a=mid:1\r\n", f"a=mid:1\r\na=extmap:4 {RID_URI}\r\na=simulcast:send 0;1;~2\r\n"
    )
    answer = (await linli.publish(offer)).text
    assert re.findall(r"a=rid:(\S+) recv", answer) == ["0", "1", "2"]
    assert "a=simulcast:recv 0;1;2\r\n" in answer


async def test_a_whep_session_whose_id_starts_with_whip_can_be_patched_and_deleted(
    linli: Linli, monkeypatch: pytest.MonkeyPatch
) -> None:
    await linli.publish()
    monkeypatch.setattr(secrets, "token_urlsafe", lambda count: "whipABCD")
    answer = await linli.client.post(WHEP, content=PLAY_OFFER, headers=SDP)
    assert answer.headers["Location"] == WHEP + "/whipABCD"
    restarted = await linli.patch(answer, RESTART, "*")
    assert restarted.status_code == 200, restarted.text
    assert (await linli.client.get(answer.headers["Location"])).status_code == 204
    assert (await linli.client.delete(answer.headers["Location"])).status_code == 200
