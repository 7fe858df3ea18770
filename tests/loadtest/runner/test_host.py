"""How the host of a run goes live, and what it takes away after it."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loadtest.measure.recorder import Recorder
from loadtest.runner import publisher
from loadtest.runner.host import Host
from loadtest.runner.publisher import Publisher
from loadtest.runner.target import Address
from loadtest.scenario.model import HostDoes, HostStep, Road
from tests.support.small_target import SmallTarget, small_target
from tests.support.waiting import wait_until

RTMP_LIVE = HostStep(at_s=0, do=HostDoes.LIVE, road=Road.RTMP)


class Publishing:
    """Stands in for publishers' processes."""

    def __init__(self) -> None:
        self.started: list[tuple[str, str]] = []
        self.live_at: list[str] = []
        self.stopped = 0
        self.failure = ""

    async def start(self, clip: str, token: str, _: Callable[[float], None]) -> "Publishing":
        """Take note of a process."""
        self.started.append((clip, token))
        return self

    async def ready(self) -> None:
        """It is."""

    def go_live(self, to: str) -> None:
        """Take note of the address."""
        self.live_at.append(to)

    async def stop(self) -> None:
        """Take note of the end."""
        self.stopped += 1


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Publishing:
    """What starts publishers, and the orders that they get."""
    publishing = Publishing()
    monkeypatch.setattr(Publisher, "start", publishing.start)
    return publishing


async def played(target: SmallTarget, *steps: HostStep) -> tuple[Host, dict[str, Any]]:
    """The host once it has done `steps`, and what went wrong."""
    recorder = Recorder()
    host = Host(Address.parse(target.url), "loadtest", "token", recorder)
    await host.play(steps, (), int(asyncio.get_running_loop().time() * 1e9))
    return host, dict(recorder.errors)


async def test_an_rtmp_host_publishes_with_a_key_of_its_own(started: Publishing) -> None:
    async with small_target() as (target, _):
        host, errors = await played(target, RTMP_LIVE)
        assert errors == {}
        assert started.started == [("", "token")]
        assert started.live_at == ["rtmp://127.0.0.1:9/live/made"]
        await host.tidy(target_gone=False)
        assert target.stream_key == ""


async def test_the_key_of_a_rooms_own_encoder_is_left_alone(started: Publishing) -> None:
    async with small_target() as (target, _):
        target.stream_key = "of an encoder"
        host, errors = await played(target, RTMP_LIVE)
        await host.tidy(target_gone=False)
        assert list(errors) == [
            "host: the room has a stream key, which a new one would end: delete it"
        ]
        assert target.stream_key == "of an encoder"
        assert started.started == []


async def test_a_host_may_publish_a_clip(started: Publishing, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.touch()
    async with small_target() as (target, _):
        lives = [HostStep(at_s=0, do=HostDoes.LIVE, clip=str(clip / end)) for end in ("", "none")]
        host, errors = await played(target, *lives)
        await host.tidy(target_gone=True)
    assert started.started == [(str(clip), "token")]
    assert started.live_at[0].endswith("/live/loadtest/whip")
    assert started.stopped == 1
    assert list(errors) == [f"host: there is no clip {clip}/none"]


async def test_a_host_that_was_made_ready_is_the_one_that_goes_live(started: Publishing) -> None:
    async with small_target() as (target, _):
        recorder = Recorder()
        host = Host(Address.parse(target.url), "loadtest", "token", recorder)
        lives = [HostStep(at_s=0, do=HostDoes.LIVE), HostStep(at_s=9, do=HostDoes.LIVE)]
        await host.prepare(lives)
        assert len(started.started) == 2
        await host.play(lives[:1], (), 0)
        assert (len(started.started), len(started.live_at)) == (2, 1)
        await host.tidy(target_gone=True)
        assert started.stopped == 2


async def test_a_host_whose_process_has_ended_is_a_failed_step(started: Publishing) -> None:
    started.failure = "the host's process has ended (exit code 3)"
    async with small_target() as (target, _):
        host, errors = await played(target, HostStep(at_s=0, do=HostDoes.LIVE))
        await host.tidy(target_gone=True)
    assert list(errors) == ["host: the host's process has ended (exit code 3)"]
    assert started.live_at == []


WAITING = "print('ready'); to = input(); print('late 0.430', flush=True); open(to, 'w'); input()"


async def test_a_publisher_is_told_where_and_tells_how_late_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher, "COMMAND", (sys.executable, "-uc", WAITING))
    late: list[float] = []
    one = await Publisher.start("", "token", late.append)
    await one.ready()
    assert not late and one.failure == ""
    one.go_live(str(tmp_path / "live"))
    await wait_until(lambda: late == [0.43] and (tmp_path / "live").exists())
    await one.stop()
    assert one.failure == "the host's process has ended (exit code -15)"


async def test_a_publisher_that_cannot_begin_keeps_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(publisher, "COMMAND", (sys.executable, "-c", "raise SystemExit(3)"))
    one = await Publisher.start("", "token", lambda late_s: None)
    await one.ready()
    await wait_until(lambda: one.failure.endswith("(exit code 3)"))
    await one.stop()
