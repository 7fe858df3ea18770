"""A worker that drains: nobody new, host and viewers go, and requests are still answered."""

from pathlib import Path

import pytest

from server.ops.drain import drain
from tests.support.live_routes import PLAY_OFFER, SDP, WHEP, live_program, live_routes, refused


async def test_draining_worker_lets_all_go_and_takes_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINLI_DRAIN_S", "0.2")
    async with live_program(tmp_path) as program, live_routes(program) as linli:
        viewer = await linli.play()
        assert viewer.status_code == 201
        assert (await linli.client.get("/readyz")).status_code == 200
        closed: list[float] = []
        await drain(program.services, closed.append)
        assert closed == [0.2]
        stats = linli.media.stats()
        assert (stats.sessions_play, stats.sessions_publish) == (0, 0)
        refused(await linli.client.get(viewer.headers["Location"]), 404)
        for answer in (
            await linli.publish(),
            await linli.client.post(WHEP, content=PLAY_OFFER, headers=SDP),
        ):
            refused(answer, 503)
            assert int(answer.headers["Retry-After"]) > 0
        assert (await linli.client.get("/readyz")).status_code == 503
        assert (await linli.client.get("/healthz")).status_code == 200
        assert (await linli.client.get("/api/rooms/demo")).status_code == 200


async def test_worker_without_anybody_drains_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINLI_DRAIN_S", "600")
    async with live_program(tmp_path) as program:
        closed: list[float] = []
        await drain(program.services, closed.append)
        assert closed == []
        assert program.services.media.closed
