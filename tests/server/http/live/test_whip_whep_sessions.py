"""The clauses of WHIP (RFC 9725) and WHEP on sessions: their ends, candidates and ICE restarts."""

import asyncio
import re
import secrets
import socket
from functools import partial

import pytest
from aioice import stun

from commerce.io.shop.staff import log_out_everywhere
from media.io.webrtc.intake import GONE_S
from media.io.webrtc.session import Direction
from media.wire.stun import TRANSACTION_ID_BYTES, is_bad_request_answer, reachability_request
from server.app import Program
from server.limits import RATES, LimitKind, Rate
from tests.support.address_families import is_at
from tests.support.live_routes import (
    FRAGMENT,
    PLAY_OFFER,
    SDP,
    TRICKLE,
    WHEP,
    WHIP,
    LiveRoutes,
    refused,
)
from tests.support.running import PASSWORD
from tests.support.sdp_offers import OFFER
from tests.support.waiting import WAIT_S, wait_until

RESTART = "a=ice-ufrag:newone\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n"

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_ended_session_revokes_consent_at_once_section_4_2_and_rfc_7675(
    linli: LiveRoutes,
) -> None:
    session = await linli.play()
    ours = credentials(session.text)
    assert await answers(linli.media.port, ours)
    await linli.media.end("demo")
    assert not await answers(linli.media.port, ours)
    refused(await linli.client.get(session.headers["Location"]), 404)


async def test_the_session_of_a_host_that_another_one_replaced_is_410(linli: LiveRoutes) -> None:
    first = (await linli.publish()).headers["Location"]
    second = (await linli.publish()).headers["Location"]
    answer = await linli.client.get(first)
    refused(answer, 410)
    assert answer.json()["type"] == "urn:linli:problem:taken-over"
    assert (await linli.client.get(second)).status_code == 204


async def test_the_session_of_a_replaced_host_is_410_at_an_address_that_asked_too_much(
    linli: LiveRoutes, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = (await linli.publish()).headers["Location"]
    await linli.publish()
    monkeypatch.setitem(RATES, LimitKind.PLAY, Rate(burst=1, per_s=0.01))
    for _ in range(2):
        missing = await linli.client.get(f"{WHIP}/missing")
    refused(missing, 429)
    refused(await linli.client.get(first), 410)
    refused(await linli.client.delete(first, headers=linli.host), 410)


async def test_the_session_of_a_standby_host_that_gave_way_is_404(linli: LiveRoutes) -> None:
    standby = await linli.media.publish("demo", OFFER, takeover=False)
    await linli.publish()
    refused(await linli.client.get(f"{WHIP}/{standby.id}"), 404)


async def test_the_session_of_a_host_ends_when_its_token_is_revoked(
    linli: LiveRoutes, program: Program
) -> None:
    engine = program.services.engine
    credentials = {"username": "chunjiang", "password": PASSWORD}
    token = (await linli.client.post("/api/login", json=credentials)).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    answer = await linli.client.post(WHIP, content=OFFER, headers={**headers, **SDP})
    assert answer.status_code == 201
    url = answer.headers["Location"]
    await log_out_everywhere(engine, "chunjiang")
    await wait_until(partial(has_ended, linli, url))
    assert linli.media.stats().sessions_publish == 0
    refused(await linli.client.post(WHIP, content=OFFER, headers={**headers, **SDP}), 401)


async def test_the_session_of_a_host_goes_on_while_its_token_holds(
    linli: LiveRoutes, program: Program
) -> None:
    url = (await linli.publish()).headers["Location"]
    program.services.access.revoked(frozenset({"staff-chunjiang", "token:host"}))
    assert (await linli.client.get(url)).status_code == 204


async def has_ended(linli: LiveRoutes, url: str) -> bool:
    return (await linli.client.get(url)).status_code == 404


async def test_the_session_of_a_host_whose_live_another_worker_has_is_410(
    linli: LiveRoutes,
) -> None:
    url = (await linli.publish()).headers["Location"]
    await linli.media.yield_to_other_worker("demo")
    refused(await linli.client.get(url), 410)


async def test_delete_ignores_if_match_section_4_2(linli: LiveRoutes) -> None:
    url = (await linli.play()).headers["Location"]
    answer = await linli.client.delete(url, headers={"If-Match": '"another"'})
    assert answer.status_code == 200
    refused(await linli.client.delete(url), 404)
    refused(await linli.client.get(url), 404)


async def test_session_addresses_cannot_be_guessed_section_5(linli: LiveRoutes) -> None:
    urls = [(await linli.play()).headers["Location"] for _ in range(2)]
    assert urls[0] != urls[1]
    assert all(len(url.rpartition("/")[2]) >= 22 for url in urls)


async def test_trickled_candidates_are_taken_section_4_3_2(linli: LiveRoutes) -> None:
    session = await linli.play()
    answer = await linli.patch(session, TRICKLE, session.headers["ETag"])
    assert (answer.status_code, answer.content) == (204, b"")
    assert "etag" not in answer.headers


async def test_a_patch_without_if_match_is_428_with_a_stale_one_412_section_4_3_1(
    linli: LiveRoutes,
) -> None:
    session = await linli.play()
    refused(await linli.patch(session, TRICKLE, None), 428)
    refused(await linli.patch(session, TRICKLE, '"old"'), 412)


async def test_a_patch_of_another_kind_is_415_a_broken_one_400_section_4_3_1(
    linli: LiveRoutes,
) -> None:
    session = await linli.play()
    etag = session.headers["ETag"]
    refused(await linli.patch(session, TRICKLE, etag, **{"Content-Type": "text/plain"}), 415)
    for broken in ("", "hello", "a=ice-ufrag:abcd\r\n", RESTART.replace("newone", "a b")):
        refused(await linli.patch(session, broken, etag), 400)
    refused(await linli.patch(session, "a=end-of-candidates\r\n", "*"), 422)


async def test_a_restart_gives_new_credentials_and_a_new_etag_section_4_3_3(
    linli: LiveRoutes,
) -> None:
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
    linli: LiveRoutes,
) -> None:
    session = await linli.play()
    before = credentials(session.text)
    await linli.patch(session, RESTART.replace("newone", "lost"), "*")
    after = credentials((await linli.patch(session, RESTART, "*")).text)
    assert await answers(linli.media.port, before)
    assert await answers(linli.media.port, after)
    assert not await answers(linli.media.port, before)
    assert await answers(linli.media.port, after)


async def test_unused_restarts_are_forgotten(linli: LiveRoutes) -> None:
    session = await linli.play()
    for number in range(8):
        await linli.patch(session, RESTART.replace("newone", f"again{number}"), "*")
    assert len(linli.media._sessions._by_ufrag) == 1 + 2  # the host's, and the player's two newest
    await linli.client.delete(session.headers["Location"])
    assert len(linli.media._sessions._by_ufrag) == 1


async def test_media_follows_a_peer_that_names_another_pair_or_is_gone_rfc_8445(
    linli: LiveRoutes,
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


async def test_a_whep_session_whose_id_has_whip_in_it_can_be_patched_and_deleted(
    linli: LiveRoutes, monkeypatch: pytest.MonkeyPatch
) -> None:
    await linli.publish()
    monkeypatch.setattr(secrets, "token_urlsafe", lambda count: "whipABCD")
    answer = await linli.client.post(WHEP, content=PLAY_OFFER, headers=SDP)
    assert answer.headers["Location"].endswith("whipABCD")
    restarted = await linli.patch(answer, RESTART, "*")
    assert restarted.status_code == 200, restarted.text
    assert (await linli.client.get(answer.headers["Location"])).status_code == 204
    assert (await linli.client.delete(answer.headers["Location"])).status_code == 200


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
    # What is always answered, in its turn: no answer to the check comes after that.
    last = secrets.token_bytes(TRANSACTION_ID_BYTES)
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(peer, bytes(check))
    await loop.sock_sendall(peer, reachability_request(last))
    async with asyncio.timeout(WAIT_S):
        while not is_bad_request_answer(received := await loop.sock_recv(peer, 1_500), last):
            answer = stun.parse_message(received)  # a viewer's RTT is measured, too
            if answer.transaction_id == check.transaction_id:
                return answer.message_class is stun.Class.RESPONSE
    return False
