"""Faults of the video reach the report: forged and missing packets, frozen frames, refusals."""

import asyncio
import errno
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from loadtest.clients.audit import FreezeAudit
from loadtest.clients.whep import Crowd, Totals
from loadtest.clients.whep_viewer import Stage, WhepViewer
from loadtest.errors import RequestRefused, TryLater
from loadtest.measure.glass_to_glass import GlassViewer
from loadtest.measure.recorder import Interval, Recorder
from loadtest.runner.glass import Glass, Watched
from loadtest.runner.media import Cinema
from loadtest.runner.target import Address


@dataclass
class Watching:
    """A viewer as far as the cinema looks at one."""

    stage: Stage = Stage.PLAYING
    freezes: FreezeAudit = field(default_factory=FreezeAudit)


class PlannedCrowd:
    """A crowd whose joins end as planned."""

    def __init__(self, *joins: Watching | Exception, totals: Totals | None = None) -> None:
        self._joins = list(joins)
        self._totals = totals or Totals()
        self.gone: list[Watching] = []

    async def __aenter__(self) -> "PlannedCrowd":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def join(self) -> WhepViewer:
        """End as planned."""
        planned = self._joins.pop(0)
        if isinstance(planned, Exception):
            raise planned
        return cast(WhepViewer, planned)

    async def leave(self, viewer: WhepViewer) -> None:
        """Remember who left."""
        self.gone.append(cast(Watching, viewer))

    def totals(self) -> Totals:
        """What was planned."""
        return self._totals


async def watched(
    crowd: PlannedCrowd,
    *,
    ends: bool = False,
    on_os_error: Callable[[OSError], None] = lambda error: None,
) -> Interval:
    """One viewer watches until the run is over, which it is at once."""
    recorder = Recorder()
    address = Address.parse("http://127.0.0.1:9")
    cinema = Cinema(
        address,
        "demo",
        recorder,
        ends=ends,
        crowd=cast(Crowd, crowd),
        on_os_error=on_os_error,
    )
    async with cinema:
        until_s = asyncio.get_running_loop().time() + 60
        watching = asyncio.create_task(cinema.watch(time.monotonic_ns(), until_s))
        await asyncio.sleep(0)
        cinema.over.set()
        await watching
        cinema.count()
    return recorder.cut(0)


async def test_forged_missing_and_frozen_are_counted() -> None:
    totals = Totals(
        packets=90,
        bytes=9_000,
        missing=2,
        forged=1,
        freezes=3,
        layer_changes=4,
        nacks=5,
        repaired=6,
    )
    crowd = PlannedCrowd(Watching(), totals=totals)
    counts = (await watched(crowd)).counts
    assert counts["media.joined"] == len(crowd.gone) == 1
    assert counts["media.packets"] == 90
    assert counts["media.bytes"] == 9_000
    assert counts["media.missing"] == 2
    assert counts["media.forged"] == 1
    assert counts["media.freezes"] == 3
    assert counts["media.layer_changes"] == 4
    assert (counts["media.nacks"], counts["media.repaired"]) == (5, 6)


async def test_what_a_decoding_viewer_saw_is_recorded_once() -> None:
    recorder = Recorder()
    glass = Glass("http://127.0.0.1:9/whep", recorder)
    viewer = GlassViewer()
    glass._watched.append(Watched(viewer, "glass.webrtc", 1))
    viewer.jitters_ms, viewer.delays_ms = [4.0, 6.0], [50.0]
    viewer.skipped, viewer.repeated = 3, 2
    glass.count()
    viewer.repeated = 5
    await glass.close()
    found = recorder.cut(0)
    assert (found.counts["glass.skipped"], found.counts["glass.repeated"]) == (3, 5)
    assert found.delays["media.jitter"].get_total_count() == 2
    assert found.delays["glass.webrtc"].get_total_count() == 1


async def test_video_that_stays_frozen_is_a_freeze_unless_the_host_ends_it() -> None:
    frozen = FreezeAudit(last=time.monotonic() - 1.0)
    assert (await watched(PlannedCrowd(Watching(freezes=frozen)))).counts["media.freezes"] == 1
    ended = await watched(PlannedCrowd(Watching(freezes=frozen)), ends=True)
    assert ended.counts["media.freezes"] == 0


async def test_a_session_that_the_server_ends_is_counted() -> None:
    assert (await watched(PlannedCrowd(Watching(Stage.ENDED)))).counts["media.ended"] == 1


async def test_a_refused_viewer_is_counted_with_the_reason() -> None:
    found = await watched(PlannedCrowd(RequestRefused(503, "full")))
    assert found.counts["media.refused"] == 1
    assert found.errors == {"whep: the server refused (503): full": 1}


async def test_a_socket_that_this_machine_refuses_a_viewer_is_the_testers_own_error() -> None:
    refused: list[OSError] = []
    full = OSError(errno.EMFILE, "Too many open files")
    crowd = PlannedCrowd(full)
    counts = (await watched(crowd, on_os_error=refused.append)).counts
    assert (counts["media.joined"], counts["media.refused"]) == (0, 1)
    assert refused == [full]


async def test_before_the_host_is_there_nobody_is_refused_with_an_error() -> None:
    found = await watched(PlannedCrowd(TryLater(409, "not-live", None)))
    assert found.counts["media.refused"] == 1
    assert found.errors == {}
