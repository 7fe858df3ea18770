"""How the host of a run goes live, and what it takes away after it."""

import asyncio
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest

from loadtest.measure.recorder import Recorder
from loadtest.runner.host import Host
from loadtest.runner.target import Address
from loadtest.scenario.model import HostDoes, HostStep, Road
from tests.support.small_target import SmallTarget, small_target

RTMP_LIVE = HostStep(at_s=0, do=HostDoes.LIVE, road=Road.RTMP)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> AsyncMock:
    """What starts a publisher's process, which is over at once."""
    start = AsyncMock(return_value=Mock(returncode=0))
    monkeypatch.setattr(asyncio, "create_subprocess_exec", start)
    return start


async def played(target: SmallTarget, *steps: HostStep) -> tuple[Host, dict[str, Any]]:
    """The host once it has done `steps`, and what went wrong."""
    recorder = Recorder()
    host = Host(Address.parse(target.url), "loadtest", "token", recorder)
    await host.play(steps, (), int(asyncio.get_running_loop().time() * 1e9))
    return host, dict(recorder.errors)


async def test_an_rtmp_host_publishes_with_a_key_of_its_own(started: AsyncMock) -> None:
    async with small_target() as (target, _):
        host, errors = await played(target, RTMP_LIVE)
        assert errors == {}
        assert started.call_args.kwargs["env"]["LINLI_PUBLISH_TO"] == "rtmp://127.0.0.1:9/live/made"
        assert not any("made" in word for word in started.call_args.args)
        await host.tidy(target_gone=False)
        assert target.stream_key == ""


async def test_the_key_of_a_rooms_own_encoder_is_left_alone(started: AsyncMock) -> None:
    async with small_target() as (target, _):
        target.stream_key = "of an encoder"
        host, errors = await played(target, RTMP_LIVE)
        await host.tidy(target_gone=False)
        assert list(errors) == [
            "host: the room has a stream key, which a new one would end: delete it"
        ]
        assert target.stream_key == "of an encoder"
        started.assert_not_called()


async def test_a_host_may_publish_a_clip(started: AsyncMock, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.touch()
    async with small_target() as (target, _):
        lives = [HostStep(at_s=0, do=HostDoes.LIVE, clip=str(clip / end)) for end in ("", "none")]
        host, errors = await played(target, *lives)
        await host.tidy(target_gone=True)
    assert started.call_args.args[-1] == str(clip)
    assert started.call_args.kwargs["env"]["LINLI_PUBLISH_TO"].endswith("/live/loadtest/whip")
    assert list(errors) == [f"host: there is no clip {clip}/none"]
