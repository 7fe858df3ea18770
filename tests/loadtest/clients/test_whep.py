"""Light viewers watch a real relay: a host publishes, packets arrive whole, authentic, in order."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest

from loadtest.actors.publish import Programme, publish
from loadtest.bench.clip import make_clip
from loadtest.clients.whep import Crowd, Whep
from loadtest.clients.whep_viewer import WhepViewer
from loadtest.errors import TryLater
from media.congestion.estimator import BITRATE_START_BPS
from media.congestion.load import FEEDBACK_INTERVAL_S
from media.forwarding import feedback
from media.io.webrtc.plane import MediaPlane
from tests.support.relay_app import relay_server
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.mkv"
    make_clip(path, seconds=2)
    return path


@pytest.fixture
async def live(clip: Path) -> AsyncIterator[tuple[MediaPlane, str]]:
    """A relay that a host publishes to."""
    async with relay_server() as (plane, base_url):
        host = asyncio.create_task(
            publish(f"{base_url}/live/bench/whip", "", Programme(clip, copy=True))
        )
        await wait_until(lambda: plane.stats().packets_in > 50)
        yield plane, f"{base_url}/live/bench/whep"
        host.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await host


@pytest.mark.parametrize("gro", [True, False], ids=["gro", "no gro"])
async def test_viewers_receive_every_packet(live: tuple[MediaPlane, str], gro: bool) -> None:
    async with Crowd(live[1], gro=gro) as crowd:
        await asyncio.gather(*(crowd.join() for _ in range(4)))
        await wait_until(lambda: crowd.totals().packets > 4 * 300)
        totals = crowd.totals()
        assert totals.playing == 4
        # Not `late`: on a busy machine the RTT is high, and such viewers get packets twice.
        assert totals.missing == totals.forged == 0
        assert totals.sampled >= 4
        assert (totals.packets > totals.receives) == gro
        await crowd.leave_all()
        assert crowd.totals().packets >= totals.packets
    await wait_until(lambda: live[0].stats().sessions_play == 0)


async def test_transport_feedback_raises_the_servers_estimate(live: tuple[MediaPlane, str]) -> None:
    plane, url = live
    async with Crowd(Whep(url, uses_remb=False)) as crowd:
        await crowd.join()
        [session] = plane._lives.by_room["bench"].viewers.values()
        await wait_until(lambda: session.link.estimate > 1.2 * BITRATE_START_BPS)
        assert not plane.stats().rejected


async def feedback_reads(url: str, monkeypatch: pytest.MonkeyPatch, count: int) -> list[float]:
    """Return when the relay read the transport feedback of a viewer, in seconds."""
    read: list[float] = []

    def on_transport_feedback(session: object, message: object, *, now: float) -> None:
        read.append(now)

    monkeypatch.setattr(feedback, "on_transport_feedback", on_transport_feedback)
    async with Crowd(Whep(url, uses_remb=False)) as crowd:
        await crowd.join()
        await wait_until(lambda: len(read) >= count)
    return read


async def test_transport_feedback_is_read_at_most_every_100_ms(
    live: tuple[MediaPlane, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read = await feedback_reads(live[1], monkeypatch, 8)
    assert all(after - before >= FEEDBACK_INTERVAL_S for before, after in pairwise(read))


@pytest.mark.soak
async def test_transport_feedback_is_read_at_least_every_250_ms(
    live: tuple[MediaPlane, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read = await feedback_reads(live[1], monkeypatch, 80)
    assert read[-1] - read[0] < (len(read) - 1) * 0.25


async def test_a_join_without_a_host_gets_try_later() -> None:
    async with relay_server() as (_, base_url), Crowd(f"{base_url}/live/bench/whep") as crowd:
        with pytest.raises(TryLater):
            await crowd.join()


async def test_a_viewer_ends_when_the_live_ends(live: tuple[MediaPlane, str]) -> None:
    async with Crowd(live[1]) as crowd:
        viewer = await crowd.join()
        await live[0].end("bench")
        await wait_until(lambda: viewer.ended_because)
        assert crowd.totals().viewers == 0


@pytest.mark.parametrize(
    "uses_rtx", [True, pytest.param(False, marks=pytest.mark.soak)], ids=["rtx", "no rtx"]
)
async def test_lost_packets_are_requested_and_repaired(
    live: tuple[MediaPlane, str], uses_rtx: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every twentieth packet of the video is lost on its way in."""
    take, seen = WhepViewer._media, 0

    def lose(viewer: WhepViewer, buffer: bytearray, size: int, segment: int, now: float) -> None:
        nonlocal seen
        if buffer[1] & 0x7F == viewer.remote.video_payload_type:
            seen += 1
            if seen > 20 and seen % 20 == 0:
                return
        take(viewer, buffer, size, segment, now)

    monkeypatch.setattr(WhepViewer, "_media", lose)
    async with Crowd(Whep(live[1], uses_rtx=uses_rtx), gro=False) as crowd:
        viewer = await crowd.join()
        assert (viewer.remote.rtx_payload_type is not None) == uses_rtx
        await wait_until(lambda: crowd.totals().repaired >= 5)
        totals = crowd.totals()
        assert totals.nacks > 0
        assert totals.forged == 0


async def test_a_forged_packet_is_found_by_its_sample(
    live: tuple[MediaPlane, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    take = WhepViewer._media

    def forge(viewer: WhepViewer, buffer: bytearray, size: int, segment: int, now: float) -> None:
        buffer[size - 1] ^= 1
        take(viewer, buffer, size, segment, now)

    async with Crowd(live[1]) as crowd:
        await crowd.join()
        await wait_until(lambda: crowd.totals().sampled)
        assert crowd.totals().forged == 0
        monkeypatch.setattr(WhepViewer, "_media", forge)
        await wait_until(lambda: crowd.totals().forged)


async def test_viewers_come_from_the_addresses_that_are_given(
    live: tuple[MediaPlane, str],
) -> None:
    sources = ("127.0.0.1", "127.0.3.1")
    async with Crowd(live[1], source=lambda number: sources[number % 2]) as crowd:
        viewers = [await crowd.join() for _ in range(4)]
        assert [viewer.sock.getsockname()[0] for viewer in viewers] == [*sources, *sources]
