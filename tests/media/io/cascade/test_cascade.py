"""Two workers on loopback: a host at one, viewers at the other, and a hop that may lose packets."""

import asyncio
from random import Random

import pytest

from media.errors import NotLive
from media.events import PublisherGone
from media.forwarding import lives
from media.io.cascade import edges
from media.io.cascade.sender import RunSender
from media.wire import hop
from media.wire.address import Address
from tests.support.cascade_workers import Worker, Workers, crowd, loopback_candidates, workers
from tests.support.media_peers import host, next_frame, viewer
from tests.support.relay_app import ROOM
from tests.support.sdp_offers import OFFER
from tests.support.waiting import wait_until

__all__ = ["loopback_candidates", "workers"]


@pytest.fixture
async def pair(workers: Workers) -> tuple[Worker, Worker]:
    return await workers.open(), await workers.open()


async def test_a_viewer_at_another_worker_decodes_what_a_host_sends(
    workers: Workers, pair: tuple[Worker, Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edges, "WITHOUT_VIEWERS_S", 0.1)
    origin, edge = pair
    async with host(origin.publish):
        await wait_until(lambda: origin.plane.is_live(ROOM))
        workers.origin = "aaaaaa00"
        async with viewer(edge.play) as layers:
            frame = await next_frame(layers["video"])
            assert (frame.width, frame.height) == (160, 120)
            async with asyncio.timeout(10):
                await layers["audio"].recv()
            assert edge.plane.is_watched(ROOM) and not edge.plane.is_live(ROOM)
            assert origin.cascade.stats().subscriptions == edge.cascade.stats().edges == 1
        await wait_until(lambda: edge.cascade.stats().edges == 0)
        await wait_until(lambda: origin.cascade.stats().subscriptions == 0)
    assert edge.events == []
    assert origin.cascade.stats().rejected == 0


async def test_losses_on_the_hop_are_repaired(
    workers: Workers, pair: tuple[Worker, Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    origin, edge = pair
    random, send, lost = Random(1), RunSender.send, [0]

    def lossy(sender: RunSender, datagram: bytes | memoryview, address: Address) -> None:
        if datagram[0] == hop.MEDIA and random.random() < 0.1:
            lost[0] += 1
        else:
            send(sender, datagram, address)

    monkeypatch.setattr(RunSender, "send", lossy)
    origin.cascade.origins._sender.gso = False
    async with workers.live(origin), crowd(edge) as viewers:
        await asyncio.gather(*(viewers.join() for _ in range(3)))
        await wait_until(lambda: viewers.totals().packets > 300)
        await wait_until(lambda: lost[0] > 10 and origin.cascade.stats().resent > 10)
        totals = viewers.totals()
    assert totals.missing == totals.forged == 0
    assert edge.plane.stats().packets_lost_in == 0


async def test_the_end_of_the_live_is_the_end_for_viewers_of_an_edge(
    workers: Workers, pair: tuple[Worker, Worker]
) -> None:
    origin, edge = pair
    async with workers.live(origin) as source, crowd(edge) as viewers:
        await viewers.join()
        await wait_until(lambda: viewers.totals().packets > 0)
        source.cancel()
        await origin.plane.end(ROOM)
        workers.origin = ""
        await wait_until(lambda: edge.plane.stats().sessions_play == 0)
        await wait_until(lambda: edge.cascade.stats().edges == 0)
        with pytest.raises(NotLive):
            await edge.plane.play(ROOM, OFFER.replace("sendonly", "recvonly"))


async def test_viewers_stay_when_the_origin_dies_and_the_host_goes_to_another_worker(
    workers: Workers, pair: tuple[Worker, Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SILENT_S", "SEEK_INTERVAL_S"):
        monkeypatch.setattr(edges, name, 0.1)
    monkeypatch.setattr(lives, "MEDIA_TIMEOUT_S", 0.1)
    origin, edge = pair
    async with crowd(edge) as viewers:
        async with workers.live(origin):
            await viewers.join()
            await wait_until(lambda: viewers.totals().packets > 0)
            origin.cascade.origins.on_message = lambda *_: None  # type: ignore[method-assign]  # as if killed
            origin.cascade.origins.tick = lambda **_: None  # type: ignore[method-assign]
        await wait_until(lambda: not edge.plane.is_watched(ROOM))
        assert edge.plane.viewers(ROOM) == 1
        before = viewers.totals().packets
        async with workers.live(await workers.open()):
            await wait_until(lambda: viewers.totals().packets > before + 10)
            assert edge.plane.viewers(ROOM) == 1
        assert viewers.totals().missing == 0
    assert edge.events == []


async def test_viewers_stay_when_the_host_goes_from_their_worker_to_another_one(
    workers: Workers, pair: tuple[Worker, Worker]
) -> None:
    here, there = pair
    async with crowd(here) as viewers:
        async with workers.live(here):
            await viewers.join()
            await wait_until(lambda: viewers.totals().packets > 0)
        async with workers.live(there):
            before = viewers.totals().packets
            await here.plane.yield_to_other_worker(ROOM)
            await wait_until(lambda: viewers.totals().packets > before + 10)
            assert here.plane.viewers(ROOM) == 1 and not here.plane.is_live(ROOM)
        assert viewers.totals().missing == 0
    assert PublisherGone(ROOM) not in here.events


async def test_a_new_association_of_an_edge_takes_over_without_a_seam(
    workers: Workers, pair: tuple[Worker, Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    origin, edge = pair
    async with workers.live(origin), crowd(edge) as viewers:
        await viewers.join()
        await wait_until(lambda: viewers.totals().packets > 0)
        [first] = edge.cascade.edges._finder.links
        source = edge.plane.lives.by_room[ROOM].source
        monkeypatch.setattr(edges, "REKEY_S", 0.0)
        await wait_until(lambda: first not in edge.cascade.edges._finder.links)
        monkeypatch.setattr(edges, "REKEY_S", 3_600.0)
        before = viewers.totals().packets
        await wait_until(lambda: viewers.totals().packets > before + 10)
        assert edge.plane.lives.by_room[ROOM].source is source
        assert viewers.totals().missing == 0


async def test_a_worker_that_nobody_answers_is_no_edge(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edges, "CONNECT_S", 0.05)
    alone = await workers.open()
    for workers.origin in ("", "bbbbbb00"):
        assert not await alone.cascade.edges.watch(ROOM)
    other = await workers.open()
    workers.origin = "aaaaaa01"
    assert not await alone.cascade.edges.watch(ROOM), "it has no such live"
    assert other.cascade.stats().subscriptions == 0
    other.cascade._secrets.clear()
    assert not await alone.cascade.edges.watch(ROOM), "it does not know the secret"
    assert other.cascade.stats().rejected > 0
    assert alone.cascade.edges.idle


async def test_who_joins_after_a_rehearsal_is_shown_nothing_of_it_at_any_worker(
    workers: Workers, pair: tuple[Worker, Worker]
) -> None:
    origin, edge = pair
    origin.plane.rehearses = lambda room_id: True
    async with workers.live(origin):
        offer = OFFER.replace("sendonly", "recvonly")
        await edge.plane.play(ROOM, offer, private=True)
        here, there = (worker.plane.lives.by_room[ROOM] for worker in pair)
        await wait_until(lambda: there.layers()[0].gop)
        with pytest.raises(NotLive):
            await origin.plane.play(ROOM, offer)
        ended_at = here.layers()[0].timestamp
        origin.plane.set_private(ROOM, False)
        for worker in pair:
            await worker.plane.play(ROOM, offer)
        assert not there.layers()[0].gop and not here.layers()[0].gop
        await wait_until(lambda: there.layers()[0].gop)
        later = there.layers()[0].gop[0].timestamp - ended_at & 0xFFFFFFFF
        assert 0 < later < 1 << 31
