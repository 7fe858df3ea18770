"""The publisher against an independent WHIP server."""

import asyncio
import contextlib
import functools
import random
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aioice.ice
import numpy as np
import pytest
from starlette.responses import Response
from structlog.testing import capture_logs

from loadtest.actors import publish as publish_actor
from loadtest.actors.publish import (
    EXIT_TAKEN_OVER,
    RETRY_LAST_S,
    Backoff,
    Programme,
    publish,
    publish_command,
)
from loadtest.clients import whip
from loadtest.errors import ClipError, RequestRefused, TakenOver
from loadtest.sources.clock_pattern import HEIGHT_PX, clock_delay_ms, read_clock
from loadtest.sources.encoded import PatternSource
from tests.support.clips import CLIP
from tests.support.waiting import WAIT_S, wait_until
from tests.support.whip_peer import WhipPeer, problem, whip_peer

PATTERN = Programme()


@pytest.fixture
async def peer() -> AsyncIterator[WhipPeer]:
    async with whip_peer() as running:
        yield running


@contextlib.asynccontextmanager
async def publishing(peer: WhipPeer, programme: Programme = PATTERN) -> AsyncIterator[None]:
    task = asyncio.create_task(publish(peer.url, "secret", programme, rng=random.Random(1)))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def back_on_air(peer: WhipPeer) -> None:
    await wait_until(lambda: len(peer.offers) >= 2)
    peer.video_frames.clear()
    await wait_until(lambda: peer.video_frames)


async def test_the_clock_pattern_arrives_with_a_readable_clock(
    peer: WhipPeer,
) -> None:
    async with publishing(peer):
        await wait_until(lambda: len(peer.video_frames) > 5 and len(peer.audio_frames) > 10)
        before = len(peer.video_frames)
        await wait_until(lambda: len(peer.video_frames) > before)
        at_ms = time.time_ns() // 1_000_000
        luma = np.asarray(peer.video_frames[-1].to_ndarray()[:HEIGHT_PX], np.uint8)
    shown_ms = read_clock(luma)
    assert shown_ms is not None
    assert 0 <= clock_delay_ms(shown_ms, at_ms) < WAIT_S * 1_000
    assert peer.tokens == ["Bearer secret"]
    assert peer.deleted == 1
    assert "VP8" not in peer.offers[0]


@pytest.mark.parametrize("copy", [False, True], ids=["encoded", "copied"])
async def test_a_clip_arrives(peer: WhipPeer, copy: bool) -> None:
    async with publishing(peer, Programme(CLIP, copy=copy)):
        await wait_until(lambda: len(peer.video_frames) > 10 and len(peer.audio_frames) > 10)
    assert (peer.video_frames[0].width, peer.video_frames[0].height) == (1280, 720)


async def test_a_pli_is_answered_with_a_key_frame(
    peer: WhipPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    rare = functools.partial(PatternSource, key_frame_every_s=3_600)
    monkeypatch.setattr(publish_actor, "PatternSource", rare)
    async with publishing(peer):
        await wait_until(lambda: len(peer.video_frames) > 5)
        assert not peer.video_frames[-1].key_frame
        await peer.ask_for_key_frame()
        await wait_until(lambda: any(frame.key_frame for frame in peer.video_frames[5:]))


async def test_a_lost_connection_is_reconnected(peer: WhipPeer) -> None:
    async with publishing(peer):
        await wait_until(lambda: peer.video_frames)
        await peer.hang_up()
        await back_on_air(peer)


@pytest.mark.parametrize("status", [404, 405, 501])
async def test_what_another_server_answers_to_a_get_ends_nothing(
    peer: WhipPeer, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whip, "PROBE_EVERY_S", 0.01)
    peer.answer_get_with = Response("no such page", status)
    async with publishing(peer):
        await wait_until(lambda: peer.probed)
        peer.video_frames.clear()
        await wait_until(lambda: len(peer.video_frames) > 5)
    assert len(peer.offers) == peer.probed == 1


async def test_the_clear_word_of_our_own_server_ends_a_session(
    peer: WhipPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whip, "PROBE_EVERY_S", 0.01)
    async with publishing(peer):
        await wait_until(lambda: peer.video_frames)
        peer.answer_get_with = problem(404, "No such session.", "no-such-session")
        await wait_until(lambda: peer.deleted)
        peer.answer_get_with = Response(status_code=204)
        await back_on_air(peer)


async def test_an_rtcp_bye_ends_a_session(peer: WhipPeer) -> None:
    async with publishing(peer):
        await wait_until(lambda: peer.video_frames)
        await peer.say_bye()
        await back_on_air(peer)


async def test_consent_that_expires_ends_a_session(
    peer: WhipPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aioice.ice, "CONSENT_INTERVAL", 0.1)
    monkeypatch.setattr(aioice.ice, "CONSENT_FAILURES", 2)
    async with publishing(peer):
        await wait_until(lambda: peer.video_frames)
        await peer.vanish()
        await back_on_air(peer)


async def test_a_host_that_was_taken_over_stays_away(peer: WhipPeer) -> None:
    async def taken_over() -> None:
        await wait_until(lambda: peer.video_frames)
        peer.answer_get_with = problem(410, "Another host.", "taken-over")
        await peer.hang_up()

    with pytest.raises(TakenOver, match="another host has taken over"):
        await asyncio.gather(publish(peer.url, "", PATTERN), taken_over())
    assert len(peer.offers) == 1


async def test_a_host_that_was_taken_over_before_it_was_connected_stays_away(
    peer: WhipPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whip, "CONNECT_TIMEOUT_S", 0.1)
    peer.connects = False
    peer.answer_get_with = problem(410, "Another host.", "taken-over")
    with pytest.raises(TakenOver):
        async with asyncio.timeout(WAIT_S):
            await publish(peer.url, "", PATTERN)
    assert len(peer.offers) == 1


async def test_a_host_that_cannot_connect_and_was_not_taken_over_tries_again(
    peer: WhipPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whip, "CONNECT_TIMEOUT_S", 0.1)
    peer.connects = False
    async with publishing(peer):
        await wait_until(lambda: len(peer.offers) >= 2)


def test_being_taken_over_has_an_exit_code_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    async def taken_over(*_: object) -> None:
        raise TakenOver

    monkeypatch.setattr(publish_actor, "publish", taken_over)
    with capture_logs() as logs:
        assert publish_command("http://127.0.0.1:9/whip", "", None) == EXIT_TAKEN_OVER
    assert "another host" in logs[-1]["why"]


async def test_a_standby_host_waits_until_it_may_publish(peer: WhipPeer) -> None:
    peer.answer_with = [
        problem(409, "Another host is on air", Retry_After="0"),
        problem(503, "Busy", Retry_After="0"),
    ]
    async with publishing(peer):
        await wait_until(lambda: peer.video_frames)
    assert len(peer.offers) == 3


async def test_a_refused_host_stops_with_the_reason(peer: WhipPeer) -> None:
    peer.answer_with = [problem(403, "This token may not publish here")]
    with pytest.raises(RequestRefused, match=r"403.*may not publish"):
        await publish(peer.url, "wrong", Programme())


async def test_a_clip_without_loop_ends_by_itself(peer: WhipPeer) -> None:
    await asyncio.wait_for(publish(peer.url, "", Programme(CLIP, copy=True, loop=False)), WAIT_S)
    assert peer.deleted == 1


async def test_a_file_that_is_no_clip_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "notes.mp4"
    path.write_text("not a film")
    with pytest.raises(ClipError, match=r"notes\.mp4"):
        await publish("http://127.0.0.1:9/whip", "", Programme(path))


def test_waits_grow_to_a_limit_and_differ() -> None:
    backoff = Backoff(random.Random(3))
    waits = [backoff.wait_s() for _ in range(12)]
    assert waits[0] <= 0.5 and waits[-1] <= RETRY_LAST_S
    assert waits[-1] > waits[0]
    assert len(set(waits)) == len(waits)
    assert backoff.wait_s(5.0) >= 5.0
    backoff.succeeded()
    assert backoff.wait_s() <= 0.5
