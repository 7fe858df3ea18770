"""The viewers of a channel: one frame for all, slices, and the three levels of slow viewers."""

import asyncio

from rooms.io.audience import (
    BEHIND_S_MAX,
    SLICE_SUBSCRIBERS,
    STALE_BYTES,
    STALE_S_MAX,
    Audience,
    Counts,
    Level,
)
from tests.support.room_subscribers import FakeSubscriber


def full(codec: int) -> bytes:
    return b"full%d" % codec


def thin(codec: int) -> bytes:
    return b"thin%d" % codec


def snapshot(codec: int) -> bytes:
    return b"snapshot%d" % codec


async def test_each_codec_is_encoded_once_per_broadcast() -> None:
    counts = Counts()
    audience = Audience(2, counts)
    subscribers = [FakeSubscriber(0), FakeSubscriber(1), FakeSubscriber(1)]
    for subscriber in subscribers:
        audience.add(subscriber)
    made: list[int] = []

    def frame(codec: int) -> bytes:
        made.append(codec)
        return full(codec)

    await audience.broadcast(frame, None)
    assert [subscriber.received for subscriber in subscribers] == [
        [b"full0"],
        [b"full1"],
        [b"full1"],
    ]
    assert made == [0, 1]
    assert (counts.frames_total, counts.bytes_total) == (3, 15)


async def test_large_audience_is_served_in_slices_that_yield_to_the_loop() -> None:
    audience = Audience(1, Counts())
    subscribers = [FakeSubscriber() for _ in range(2 * SLICE_SUBSCRIBERS + 1)]
    for subscriber in subscribers:
        audience.add(subscriber)
    task = asyncio.create_task(audience.broadcast(full, None))
    served: list[int] = []
    while not task.done():
        await asyncio.sleep(0)
        served.append(sum(bool(subscriber.received) for subscriber in subscribers))
    assert served[:3] == [SLICE_SUBSCRIBERS, 2 * SLICE_SUBSCRIBERS, 2 * SLICE_SUBSCRIBERS + 1]


async def test_subscribers_that_change_during_a_broadcast_miss_and_repeat_no_frame() -> None:
    audience = Audience(1, Counts())
    subscribers = [FakeSubscriber() for _ in range(2 * SLICE_SUBSCRIBERS)]
    for subscriber in subscribers:
        audience.add(subscriber)
    slow_already = subscribers[0]
    slow_already.pause(audience)
    audience.settle(1.0, snapshot)
    task = asyncio.create_task(audience.broadcast(full, thin))
    await asyncio.sleep(0)
    newcomer, last = FakeSubscriber(), subscribers[-1]
    audience.add(newcomer)
    last.pause(audience)  # Not served yet: this frame still goes to it.
    slow_already.resume(audience)  # Its thin frame is still to come.
    audience.remove(subscribers[-2])
    await task
    assert newcomer.received == []
    assert last.received == [b"full0"]
    assert slow_already.received == [b"thin0"]
    audience.settle(2.0, snapshot)
    await audience.broadcast(full, thin)
    assert newcomer.received == [b"full0"]
    assert last.received == [b"full0", b"thin0"]
    assert slow_already.received == [b"thin0", b"full0"]


async def test_slow_viewer_loses_the_lossy_lane_first() -> None:
    counts = Counts()
    audience = Audience(1, counts)
    subscriber = FakeSubscriber()
    audience.add(subscriber)
    subscriber.pause(audience)
    audience.settle(1.0, snapshot)
    assert subscriber.level is Level.THIN
    await audience.broadcast(full, None)
    await audience.broadcast(full, thin)
    assert subscriber.received == [b"thin0"]
    assert counts.lossy_dropped_total == 2
    assert len(audience) == 1


async def test_stale_viewer_gets_nothing_until_its_snapshot() -> None:
    counts = Counts()
    audience = Audience(1, counts)
    subscriber = FakeSubscriber()
    audience.add(subscriber)
    subscriber.pause(audience, STALE_BYTES + 1)
    audience.settle(1.0, snapshot)
    assert subscriber.level == Level.STALE
    await audience.broadcast(full, thin)
    assert subscriber.received == []
    subscriber.resume(audience)
    audience.settle(2.0, snapshot)
    await audience.broadcast(full, thin)
    assert subscriber.received == [b"snapshot0", b"full0"]
    assert counts.slow_snapshots_total == 1


def test_subscriber_behind_too_long_is_closed() -> None:
    audience = Audience(1, Counts())
    thin, stale = FakeSubscriber(), FakeSubscriber()
    for subscriber, waiting in ((thin, 1), (stale, STALE_BYTES + 1)):
        audience.add(subscriber)
        subscriber.pause(audience, waiting)
    audience.settle(0.0, snapshot)
    audience.close_hopeless(STALE_S_MAX)
    assert (thin.closed, stale.closed) == (False, False)
    audience.close_hopeless(STALE_S_MAX + 0.1)
    assert (thin.closed, stale.closed) == (False, True)
    audience.remove(stale)
    audience.close_hopeless(BEHIND_S_MAX + 0.1)
    assert thin.closed


def test_the_host_is_served_and_not_counted_as_a_viewer() -> None:
    audience = Audience(1, Counts())
    host, viewer = FakeSubscriber(), FakeSubscriber()
    host.is_viewer = False
    for subscriber in (host, viewer):
        audience.add(subscriber)
    assert (len(audience), audience.viewers) == (2, 1)
    host.pause(audience)
    audience.settle(1.0, snapshot)
    host.resume(audience)
    audience.settle(2.0, snapshot)
    assert (len(audience), audience.viewers) == (2, 1)
    audience.remove(host)
    assert (len(audience), audience.viewers) == (1, 1)


def test_a_person_with_several_connections_counts_once() -> None:
    audience = Audience(1, Counts())
    anybody = [FakeSubscriber() for _ in range(2)]
    phone, tablet, other, shop = (FakeSubscriber() for _ in range(4))
    phone.user_id = tablet.user_id = "g1"
    other.user_id = shop.user_id = "g2"
    shop.is_viewer = False
    for subscriber in (*anybody, phone, tablet, other, shop):
        audience.add(subscriber)
    assert (len(audience), audience.viewers) == (6, 4)
    phone.user_id = "g3"  # a token of another guest, later on
    for subscriber, viewers in ((phone, 4), (phone, 4), (tablet, 3), (shop, 3), (other, 2)):
        audience.remove(subscriber)
        assert audience.viewers == viewers


def test_a_person_that_was_behind_counts_once() -> None:
    audience = Audience(1, Counts())
    phone, other = FakeSubscriber(), FakeSubscriber()
    phone.user_id, other.user_id = "g1", "g2"
    for subscriber in (phone, other):
        audience.add(subscriber)
    phone.pause(audience)
    audience.settle(1.0, snapshot)
    phone.resume(audience)
    audience.settle(2.0, snapshot)
    assert audience.viewers == 2
    audience.remove(phone)
    assert (audience.viewers, list(audience.people)) == (1, ["g2"])
