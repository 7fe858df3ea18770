"""Hosts and viewers of a worker come and go, in virtual time and without a network."""

import struct
from collections import Counter
from random import Random

import pytest
from aiortc.rtp import RtcpPacket, RtcpRrPacket

from media.congestion.load import Load
from media.errors import Busy, NotLive
from media.events import MediaEvent, PublisherGone, PublisherLost, PublisherUp
from media.forwarding.host import Host
from media.forwarding.live import KEEPALIVE_INTERVAL_S
from media.forwarding.lives import MEDIA_TIMEOUT_S, STANDBY_S, Lives
from media.forwarding.rtt import Rtt
from media.forwarding.viewer import Viewer
from media.wire import rtcp, rtp
from tests.support.media_forwarding import KEY, ClearTransport, Recorder
from tests.support.media_uplink import ONE, chosen

VP8 = ONE.replace("H264", "VP8").replace("packetization-mode=1", "x=1")
VP8_KEY = b"\x10\x00\x00\x00\x9d\x01\x2a\x40\x01\xb4\x00"
ROOM = "demo"


class Worker:
    """The lives of a worker, and peers whose transports are in the clear."""

    def __init__(self) -> None:
        self.now = 100.0
        self.events: list[MediaEvent] = []
        self.recorder = Recorder()
        load = Load(now=0, busy_s=0)
        self.lives = Lives(self.recorder, load, self.events.append, Counter(), Random(1))
        self.number = 0

    def host(self, name: str, offer: str = ONE, *, standby: bool = False) -> ClearTransport:
        transport = ClearTransport((name, 1))
        host = Host(name, ROOM, transport, Rtt(), chosen(offer), Counter())
        self.lives.add_host(host, standby=standby, now=self.now)
        self.lives.on_connected(name, now=self.now)
        return transport

    def send(self, name: str, payload: bytes = KEY) -> None:
        """A host sends a frame of one packet."""
        self.number += 1
        header = struct.pack("!BBHII", 0x80, 0x80 | 96, self.number, self.number * 3_600, 1)
        raw = header + payload + bytes(50)
        self.lives.on_rtp(name, rtp.parse(raw), raw, now=self.now)

    def viewer(self, name: str) -> ClearTransport:
        transport, live = ClearTransport((name, 1)), self.lives.watched(ROOM)
        viewer = Viewer(name, ROOM, transport, Rtt(), now=self.now)
        viewer.subscribe(live.tracks["video"], chosen(ONE)["video"])
        self.lives.add_viewer(viewer)
        self.lives.on_connected(name, now=self.now)
        return transport

    def packets(self, name: str) -> int:
        """How many packets of media a viewer got."""
        return len(self.recorder.seen[(name, 1)])


@pytest.fixture
def worker() -> Worker:
    """A worker with a host on air and a viewer that gets its frames."""
    worker = Worker()
    worker.host("host")
    worker.send("host")
    worker.viewer("viewer")
    return worker


def watching(worker: Worker) -> ClearTransport:
    viewer = worker.lives.viewer("viewer")
    assert viewer is not None and isinstance(viewer.transport, ClearTransport)
    return viewer.transport


def test_a_live_is_on_air_from_its_first_key_frame() -> None:
    worker = Worker()
    worker.host("host")
    with pytest.raises(NotLive):
        worker.viewer("early")
    worker.send("host")
    assert worker.events == [PublisherUp(ROOM, returned=False)]
    worker.viewer("viewer")
    assert worker.packets("viewer") == 1


def test_a_viewer_that_leaves_is_closed_and_gets_nothing_more(worker: Worker) -> None:
    transport = watching(worker)
    worker.lives.end_peer("viewer", now=worker.now)
    worker.lives.end_peer("viewer", now=worker.now)
    worker.send("host")
    assert transport.closed
    assert worker.packets("viewer") == 1
    assert worker.lives.by_room[ROOM].viewers == {}


def test_viewers_stay_when_a_host_of_the_same_codecs_takes_over(worker: Worker) -> None:
    worker.host("other")
    worker.send("host")
    assert worker.packets("viewer") == 1, "the previous host is ignored"
    worker.send("other")
    assert worker.packets("viewer") == 2
    assert worker.events == [PublisherUp(ROOM, returned=False)]


def test_viewers_are_closed_when_a_host_of_another_codec_takes_over(worker: Worker) -> None:
    transport = watching(worker)
    worker.host("other", VP8)
    assert transport.closed
    worker.send("other", VP8_KEY)
    worker.send("other", VP8_KEY)
    assert worker.packets("viewer") == 1


def test_a_host_that_leaves_and_returns_keeps_its_viewers(worker: Worker) -> None:
    worker.lives.end_peer("host", now=worker.now)
    assert worker.events[1:] == [PublisherLost(ROOM)]
    worker.now += 5
    worker.host("host2")
    worker.send("host2")
    assert worker.events[2:] == [PublisherUp(ROOM, returned=True)]
    assert worker.packets("viewer") == 2


def test_a_silent_host_that_sends_again_is_back_on_air(worker: Worker) -> None:
    worker.lives.count_second(now=worker.now + MEDIA_TIMEOUT_S + 0.1)
    assert worker.events[1:] == [PublisherLost(ROOM)]
    worker.now += 10
    worker.send("host")
    assert worker.events[2:] == [PublisherUp(ROOM, returned=True)]


def test_ending_a_live_closes_host_and_viewers_and_is_one_event(worker: Worker) -> None:
    viewer, live = watching(worker), worker.lives.by_room[ROOM]
    worker.lives.end_live(live)
    assert viewer.closed
    assert worker.events[1:] == [PublisherGone(ROOM)]
    worker.send("host")
    assert worker.events[2:] == []
    with pytest.raises(NotLive):
        worker.lives.watched(ROOM)


def test_viewers_get_keepalives_while_the_host_is_silent(worker: Worker) -> None:
    transport = watching(worker)
    for _ in range(20):
        worker.now += KEEPALIVE_INTERVAL_S / 5
        worker.lives.tick(now=worker.now)
    assert 3 <= len(transport.rtcp) <= 4
    [report] = RtcpPacket.parse(transport.rtcp[0])
    assert isinstance(report, RtcpRrPacket) and report.reports == []


def test_a_standby_host_waits_until_another_hosts_media_is_old(worker: Worker) -> None:
    with pytest.raises(Busy):
        worker.lives.wait_for_turn(ROOM, now=worker.now)
    worker.lives.count_second(now=worker.now)
    worker.lives.end_peer("host", now=worker.now)
    with pytest.raises(Busy):
        worker.lives.wait_for_turn(ROOM, now=worker.now + STANDBY_S - 1)
    worker.lives.wait_for_turn(ROOM, now=worker.now + STANDBY_S + 1)


def test_a_viewers_pli_reaches_the_host_at_once(worker: Worker) -> None:
    live = worker.lives.by_room[ROOM]
    for _ in range(200):
        worker.send("host", b"\x41\x88")
    worker.lives.tick(now=worker.now)
    host = live.source
    assert isinstance(host, Host)
    sent = host_rtcp(host)
    before = len(sent)
    ssrc = live.tracks["video"].ssrc
    worker.now += 1
    pli = rtcp.parse(rtcp.picture_loss_indication(ssrc))
    worker.lives.on_rtcp("viewer", pli, now=worker.now)
    requests = [one for raw in sent[before:] for one in rtcp.parse(raw)]
    assert any(rtcp.is_key_frame_request(one) for one in requests)


def host_rtcp(host: Host) -> list[bytes]:
    """What a host was sent."""
    transport = host._transport
    assert isinstance(transport, ClearTransport)
    return transport.rtcp


def test_a_live_for_which_nothing_waits_is_looked_at_ten_times_a_second(worker: Worker) -> None:
    live = worker.lives.by_room[ROOM]
    for _ in range(10):
        worker.now += 0.02
        worker.lives.tick(now=worker.now)
    assert 0.05 < worker.now - live.ticked_at + 0.1 < 0.2
    looked_at = live.ticked_at
    worker.now = looked_at + 0.02
    worker.lives.tick(now=worker.now)
    assert live.ticked_at == looked_at


def test_a_hosts_loss_is_requested_with_the_next_tick(worker: Worker) -> None:
    host = worker.host("again")
    worker.send("again")
    worker.lives.tick(now=worker.now)
    sent = len(host.rtcp)
    worker.number += 1  # lost
    worker.send("again")
    worker.now += 0.02
    worker.lives.tick(now=worker.now)
    assert len(host.rtcp) > sent
