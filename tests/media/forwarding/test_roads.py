"""Roads can be added to a live, and taken away, while its frames flow."""

from collections import Counter
from random import Random

from media.congestion.load import Load
from media.events import MediaEvent, PublisherGone, PublisherLost, PublisherUp
from media.forwarding.lives import MEDIA_TIMEOUT_S, Lives
from media.stream.frames import Frame
from media.stream.layer import Layer
from media.stream.ports import TrackFormat
from tests.support.media_forwarding import (
    CODEC,
    DELTA,
    FRAME_S,
    KEY,
    TICKS,
    LiveRig,
    Recorder,
    assert_seamless,
)
from tests.support.media_roads import MemorySink, UnitSource

VIDEO = {"video": TrackFormat(CODEC, ("",))}


def numbers(frames: list[tuple[Layer, Frame]]) -> list[int]:
    return [
        number
        for _, frame in frames
        for run in frame.runs
        for number in range(run.sequence, run.sequence + len(run.items))
    ]


def test_a_sink_gets_each_frame_once_from_the_next_one_on() -> None:
    live, sink = LiveRig(("l", "h")), MemorySink()
    live.frame("all")
    live.live.add_sink(sink)
    viewer = live.viewer()
    for _ in range(3):
        live.frame()
    frames = sink.read()
    assert Counter(layer.rid for layer, _ in frames) == {"l": 3, "h": 3}
    for rid in ("l", "h"):
        sent = numbers([one for one in frames if one[0].rid == rid])
        assert sent == list(range(sent[0], live.layer(rid).next_unsent))
    assert_seamless(live.seen(viewer))


def test_a_removed_sink_is_closed_and_gets_nothing_more() -> None:
    live, kept, removed = LiveRig(("",)), MemorySink(), MemorySink()
    for sink in (removed, kept):
        live.live.add_sink(sink)
    live.frame("all")
    live.live.remove_sink(removed)
    live.frame()
    assert (len(removed.read()), removed.closes) == (1, 1)
    assert (len(kept.read()), kept.closes) == (2, 0)


def test_sinks_come_and_go_while_a_frame_is_handed_round() -> None:
    live, late = LiveRig(("",)), MemorySink()

    class Once(MemorySink):
        """Removes itself with its first frame, and adds another sink."""

        def frame(self, layer: Layer, frame: Frame, *, now: float) -> None:
            super().frame(layer, frame, now=now)
            live.live.remove_sink(self)
            live.live.add_sink(late)

    once, beside = Once(), MemorySink()
    live.live.add_sink(once)
    live.live.add_sink(beside)
    viewer = live.viewer()
    live.frame("all")
    live.frame()
    assert (len(once.read()), len(beside.read()), len(late.read())) == (1, 2, 1)
    assert_seamless(live.seen(viewer))


def test_a_slow_sink_drops_up_to_a_key_frame_and_holds_up_nobody() -> None:
    live, slow = LiveRig(("",)), MemorySink(frames_max=2)
    live.live.add_sink(slow)
    live.frame("all")
    viewer = live.viewer()
    for _ in range(5):
        live.frame()
    assert live.layer("").keys.pending
    assert slow.dropped == 4
    slow.read()
    live.frame()
    live.frame("all")
    live.frame()
    assert [frame.key for _, frame in slow.read()] == [True, False]
    assert_seamless(live.seen(viewer))
    assert len(live.seen(viewer)) == 2 * 9, "all frames of two packets"


class Worker:
    """The lives of a worker, with a source of access units."""

    def __init__(self) -> None:
        self.now = 100.0
        self.events: list[MediaEvent] = []
        self.recorder = Recorder()
        load = Load(now=0, busy_s=0)
        self.lives = Lives(self.recorder, load, self.events.append, Counter(), Random(1))
        self.timestamp = 0

    def publish(self, source: UnitSource, *, standby: bool = False) -> None:
        self.lives.add_source("demo", source, standby=standby, now=self.now)

    def send(self, source: UnitSource, *, key: bool = False) -> None:
        self.now += FRAME_S
        self.timestamp += TICKS
        unit = (KEY if key else DELTA) + bytes(100)
        layer = source.send("video", unit, self.timestamp, key=key, now=self.now)
        self.lives.deliver(self.lives.by_room["demo"], layer, now=self.now)


def test_access_units_enter_a_live_without_being_reassembled() -> None:
    worker, source = Worker(), UnitSource("encoder", VIDEO)
    worker.publish(source)
    sink = MemorySink()
    worker.lives.by_room["demo"].add_sink(sink)
    worker.send(source)
    assert sink.read() == [], "a live begins with a key frame"
    worker.send(source, key=True)
    worker.send(source)
    assert worker.events == [PublisherUp("demo", returned=False)]
    frames = sink.read()
    assert [frame.key for _, frame in frames] == [True, False]
    assert frames[1][1].timestamp - frames[0][1].timestamp == TICKS
    payloads = [item.payload for run in frames[0][1].runs for item in run.items]
    assert b"".join(payloads) == KEY + bytes(100)


def test_another_source_goes_on_without_a_seam() -> None:
    worker, first, second = Worker(), UnitSource("one", VIDEO), UnitSource("two", VIDEO)
    worker.publish(first)
    live, sink = worker.lives.by_room["demo"], MemorySink()
    live.add_sink(sink)
    worker.send(first, key=True)
    worker.publish(second)
    assert first.closed
    worker.now += 1
    worker.timestamp = 7
    worker.send(second)
    worker.send(second, key=True)
    frames = sink.read()
    assert [frame.key for _, frame in frames] == [True, True]
    assert numbers(frames) == list(range(numbers(frames)[0], numbers(frames)[0] + 4))
    elapsed = frames[1][1].timestamp - frames[0][1].timestamp
    assert elapsed == round((1 + 2 * FRAME_S) * CODEC.clock_hz)


def test_a_source_is_asked_for_the_key_frames_that_sinks_need() -> None:
    worker, source = Worker(), UnitSource("encoder", VIDEO)
    worker.publish(source)
    worker.send(source, key=True)
    worker.lives.tick(now=worker.now)
    assert source.key_frames_requested == 0
    worker.lives.by_room["demo"].layers()[0].keys.request()
    worker.lives.tick(now=worker.now)
    assert source.key_frames_requested == 1


def test_a_live_whose_source_falls_silent_is_lost_and_then_over() -> None:
    worker, source, sink = Worker(), UnitSource("encoder", VIDEO), MemorySink()
    worker.publish(source)
    worker.lives.by_room["demo"].add_sink(sink)
    worker.send(source, key=True)
    worker.lives.count_second(now=worker.now + MEDIA_TIMEOUT_S)
    assert len(worker.events) == 1
    worker.lives.count_second(now=worker.now + MEDIA_TIMEOUT_S + 0.1)
    assert worker.events[1:] == [PublisherLost("demo")]
    worker.send(source, key=True)
    assert worker.events[2:] == [PublisherUp("demo", returned=True)]
    worker.lives.count_second(now=worker.now + MEDIA_TIMEOUT_S + 0.1)
    worker.lives.end_lost(now=worker.now + 60, grace_s=30)
    assert worker.events[3:] == [PublisherLost("demo"), PublisherGone("demo")]
    assert (sink.closes, source.closed) == (1, True)
