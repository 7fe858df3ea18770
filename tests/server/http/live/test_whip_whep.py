"""The clauses of WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep-03) on offers, one test each."""

import re
from collections.abc import Awaitable, Callable

import httpx
import pytest

from media.congestion.load import JOINS_BUSY_MAX
from media.wire.sdp import RID_URI
from server.limits import RATES, LimitKind, Rate
from tests.support.live_routes import PLAY_OFFER, SDP, TRICKLE, WHEP, WHIP, LiveRoutes, refused
from tests.support.sdp_offers import OFFER

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_answer_is_complete_rfc_9725_section_4_2(linli: LiveRoutes) -> None:
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


async def test_ice_credentials_have_the_form_of_rfc_8839_section_5_4(linli: LiveRoutes) -> None:
    text = (await linli.publish()).text
    assert re.search(r"^a=ice-ufrag:[A-Za-z0-9+/]{4,256}\r$", text, re.M)
    assert re.search(r"^a=ice-pwd:[A-Za-z0-9+/]{22,256}\r$", text, re.M)


async def test_a_wrong_content_type_is_415_and_no_sdp_400_section_4_2(linli: LiveRoutes) -> None:
    refused(await linli.client.post(WHIP, content=OFFER, headers=linli.host), 415)
    refused(await linli.publish("hello"), 400)


@pytest.mark.parametrize("direction", ["recvonly", "inactive"])
async def test_a_host_cannot_offer_to_receive_section_4_2(
    linli: LiveRoutes, direction: str
) -> None:
    refused(await linli.publish(OFFER.replace("sendonly", direction)), 422)


async def test_there_are_no_partial_answers_section_4_4_3(linli: LiveRoutes) -> None:
    refused(await linli.publish(OFFER.replace("H264/90000", "AV9/90000")), 422)


async def test_codec_names_are_case_insensitive_rfc_8866_section_6_6(linli: LiveRoutes) -> None:
    offer = OFFER.replace("opus", "OPUS").replace("H264", "h264")
    answer = await linli.publish(offer)
    assert answer.status_code == 201, answer.text
    assert "a=rtpmap:111 opus/48000/2\r\n" in answer.text
    assert "a=rtpmap:96 H264/90000\r\n" in answer.text


async def test_answer_has_no_feedback_that_was_not_offered_rfc_4585_section_4_2(
    linli: LiveRoutes,
) -> None:
    assert "a=rtcp-fb" not in (await linli.publish()).text
    answer = await linli.publish(f"{OFFER}a=rtcp-fb:96 nack pli\r\na=rtcp-fb:96 ccm fir\r\n")
    assert re.findall("a=rtcp-fb:(.+)\r\n", answer.text) == ["96 nack pli"]


async def test_publishing_needs_a_bearer_token_section_4_7(linli: LiveRoutes) -> None:
    refused(await linli.client.post(WHIP, content=OFFER, headers=SDP), 401)
    session = await linli.publish()
    refused(await linli.client.delete(session.headers["Location"]), 401)
    refused(await linli.patch(session, TRICKLE, session.headers["ETag"]), 401)


@pytest.mark.parametrize("url", [WHIP, WHEP, "session"])
async def test_get_and_head_are_2xx_without_content_section_4_1(
    linli: LiveRoutes, url: str
) -> None:
    if url == "session":
        url = (await linli.play()).headers["Location"]
    for method in ("GET", "HEAD"):
        answer = await linli.client.request(method, url)
        assert answer.is_success
        assert answer.content == b""


async def test_a_player_is_sent_one_stream_draft_section_4_2(linli: LiveRoutes) -> None:
    sections = (await linli.play()).text.split("m=")[1:]
    assert len(sections) == 2
    for section in sections:
        assert "a=sendonly\r\n" in section
        assert re.findall("a=msid:(.+) ", section) == ["live"]  # one MediaStream
    refused(await linli.client.post(WHEP, content=OFFER, headers=SDP), 422)


async def test_at_most_one_section_of_a_kind_section_4_4_2(linli: LiveRoutes) -> None:
    video = OFFER[OFFER.index("m=video") :]
    refused(await linli.publish(OFFER + video.replace("a=mid:1", "a=mid:2")), 422)
    sound = OFFER[OFFER.index("m=audio") : OFFER.index("m=video")]
    twice = OFFER.replace(video, sound.replace("a=mid:0", "a=mid:1"))
    refused(await linli.publish(twice), 422)


async def test_an_actpass_offer_is_answered_passive_section_4_4_4(linli: LiveRoutes) -> None:
    for offered, answered in (("actpass", "passive"), ("active", "passive"), ("passive", "active")):
        answer = await linli.publish(OFFER.replace("setup:actpass", f"setup:{offered}"))
        assert re.findall("a=setup:(.+)\r\n", answer.text) == [answered] * 2


async def test_no_redirect_is_one_that_turns_post_into_get_section_4_5(linli: LiveRoutes) -> None:
    for url in (f"{WHIP}/", f"/{WHIP}", "/live/demo/WHIP"):
        answer = await linli.client.post(url, content=OFFER, headers={**linli.host, **SDP})
        assert answer.status_code not in (301, 302), url


@pytest.mark.parametrize("url", [WHIP, WHEP])
async def test_a_full_server_is_503_with_retry_after_section_4_5(
    linli: LiveRoutes, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await linli.publish()
    monkeypatch.setattr("media.io.webrtc.sessions.SESSIONS_MAX", 1)
    offer = OFFER if url == WHIP else PLAY_OFFER
    answer = await linli.client.post(url, content=offer, headers={**linli.host, **SDP})
    refused(answer, 503)
    assert int(answer.headers["Retry-After"]) > 0


async def test_a_busy_server_takes_no_more_viewers_section_4_5(
    linli: LiveRoutes, monkeypatch: pytest.MonkeyPatch
) -> None:
    await linli.publish()
    load = linli.media.load
    monkeypatch.setattr(load, "measure", lambda **_: None)
    monkeypatch.setattr(load, "busy", JOINS_BUSY_MAX)
    answer = await linli.client.post(WHEP, content=PLAY_OFFER, headers=SDP)
    refused(answer, 503)
    assert int(answer.headers["Retry-After"]) > 0
    assert (await linli.publish()).status_code == 201, "hosts are the last to be turned away"


async def test_too_many_requests_are_429_section_5(
    linli: LiveRoutes, monkeypatch: pytest.MonkeyPatch
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


async def test_play_before_the_live_is_409_with_retry_after_draft_section_4_2(
    linli: LiveRoutes,
) -> None:
    answer = await linli.client.post(WHEP, content=PLAY_OFFER, headers=SDP)
    refused(answer, 409)
    assert int(answer.headers["Retry-After"]) > 0


async def test_simulcast_is_answered_with_all_rids_section_4_8_and_rfc_8853(
    linli: LiveRoutes,
) -> None:
    offer = OFFER.replace(
        "a=mid:1\r\n", f"a=mid:1\r\na=extmap:4 {RID_URI}\r\na=simulcast:send 0;1;~2\r\n"
    )
    answer = (await linli.publish(offer)).text
    assert re.findall(r"a=rid:(\S+) recv", answer) == ["0", "1", "2"]
    assert "a=simulcast:recv 0;1;2\r\n" in answer


async def test_the_media_of_a_rehearsal_is_for_staff(linli: LiveRoutes) -> None:
    rehearsal = "/api/rooms/demo/rehearsal"
    assert (await linli.client.put(rehearsal, headers=linli.host)).status_code == 204
    try:
        refused(await linli.play(), 403)
        for path in ("hls/index.m3u8", "hls/audio.m3u8", "hls/0/media.m3u8", "thumbnail.jpg"):
            refused(await linli.client.get(f"/live/demo/{path}"), 403)
        refused(await linli.client.get("/live/demo.flv"), 403)
        assert (await linli.client.get("/api/rooms/demo/card.png")).status_code == 403
        headers = {**linli.host, **SDP}
        staff = await linli.client.post(WHEP, content=PLAY_OFFER, headers=headers)
        assert staff.status_code == 201
    finally:
        await linli.client.delete(rehearsal, headers=linli.host)
    assert (await linli.play()).status_code == 201
