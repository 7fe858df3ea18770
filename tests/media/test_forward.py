"""Whatever layers a viewer goes through, its numbers and times have no seam."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.estimate import Estimator
from media.io.downlink import Downlink
from media.io.dtls import Identity
from media.io.fanout import Fanout, Leg
from media.io.forward import AT_ONCE_PACKETS_MAX, PACED_PACKETS, THIN_PACE, Forwarder
from media.io.room import MediaRoom, Stream
from media.io.session import Role, Session
from media.load import Load
from media.rtp import Packet
from media.sdp import Codec, parse_offer
from media.track import Frame, Track
from media.transport_cc import Told
from tests.fuzz.test_media_parsers import OFFER

KEY, DELTA = b"\x65\x88", b"\x41\x88"
FRAME_S, TICKS = 0.04, 3_600
CODEC = Codec("H264", 96, 90_000)
IDENTITY = Identity()
# What one packet is to a viewer: number, time, whether its frame is a key frame, which layer.
Seen = tuple[int, int, bool]


class Recorder:
    """In place of the fan-out: what each viewer would get."""

    def __init__(self) -> None:
        self.seen: dict[tuple[str, int], list[Seen]] = defaultdict(list)
        self.again: list[tuple[int, bytes]] = []

    def send_frame(self, frame: Frame, ssrc: int, legs: Sequence[Leg]) -> None:
        for leg in legs:
            assert len(set(legs)) == len(legs), "nobody gets a frame twice"
            for run in frame.runs:
                for number, item in enumerate(run.items, run.sequence):
                    time = item.timestamp + frame.shift + leg.ticks & 0xFFFFFFFF
                    self.seen[leg.address].append((number + leg.shift, time, frame.key))

    def send_again(self, number: int, item: object, ticks: int, ssrc: int, leg: Leg) -> None:
        self.again.append((number, cast("bytes", getattr(item, "payload"))))  # noqa: B009  # any item


class Live:
    """A room with a host of three layers, driven frame by frame."""

    def __init__(self, rids: Sequence[str] = ("l", "m", "h"), packets: int = 2) -> None:
        self.now = 100.0
        self.recorder = Recorder()
        self.load = Load(now=0, busy_s=0)
        self.forwarder = Forwarder(cast(Fanout, self.recorder), self.load)
        layers = [Track("video", CODEC, 1_000 * (at + 1), rid) for at, rid in enumerate(rids)]
        self.stream = Stream("video", CODEC, 77, layers)
        self.room = MediaRoom("demo", {"video": self.stream}, counted=Counter())
        self.packets = packets
        self.numbers = Counter[Track]()
        self.frame_number = 0
        self.second = 0.0

    def layer(self, rid: str) -> Track:
        return next(layer for layer in self.stream.layers if layer.rid == rid)

    def frame(self, *keys: str, skip: Sequence[str] = ()) -> None:
        """One picture of all layers; `keys`: in these it is a key frame."""
        self.frame_number += 1
        for at, track in enumerate(list(self.stream.layers)):
            if track.rid in skip:
                continue
            for part in range(self.packets):
                payload = (KEY if track.rid in keys or "all" in keys else DELTA) + bytes(
                    100 * (at + 1)
                )
                timestamp = self.frame_number * TICKS + 500_000 * at & 0xFFFFFFFF
                last = part == self.packets - 1
                packet = Packet(96, last, self.numbers[track] & 0xFFFF, timestamp, at + 1, payload)
                self.numbers[track] += 1
                track.receive(packet, now=self.now)
                self.forwarder.forward(self.room, self.stream, track, now=self.now)
        self.pass_time(FRAME_S)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        if self.now - self.second >= 1:
            self.second = self.now
            for track in self.stream.layers:
                track.count_second(now=self.now)

    def tick(self) -> None:
        self.forwarder.tick(self.room, now=self.now)

    def viewer(self, *, repairs: bool = True) -> Session:
        """Somebody comes."""
        offer = parse_offer(OFFER.replace("sendonly", "recvonly"), "play")
        session = Session(Role.PLAY, "demo", offer, IDENTITY, lambda *_: None, now=self.now)
        repair = Leg(97, 2) if repairs else None
        downlink = session.downlinks["video"] = Downlink(Leg(96, 2), repair, 90_000)
        downlink.leg.address = ("viewer", len(self.room.viewers) + 1)
        session.up = True
        self.room.viewers[session.id] = session
        self.forwarder.begin(self.room, session, now=self.now)
        return session

    def choose(self, session: Session, rid: str | None) -> None:
        session.line.wish(rid, None)
        self.forwarder.choose(self.room, session, now=self.now)

    def seen(self, session: Session) -> list[Seen]:
        """What a viewer got so far."""
        return self.recorder.seen[session.downlinks["video"].leg.address]

    def sees(self, session: Session) -> str | None:
        """The layer that a viewer gets."""
        layer = session.downlinks["video"].layer
        return layer.rid if layer else None


def assert_seamless(seen: Sequence[Seen]) -> None:
    numbers = [number for number, _, _ in seen]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    for (_, before, _), (_, after, _) in pairwise(seen):
        assert after - before & 0xFFFFFFFF < 90_000 * 10, "time does not go back"


def test_a_newcomer_gets_the_pictures_since_the_key_frame_close_together() -> None:
    live = Live(("",))
    live.frame("all")
    live.frame()
    live.frame()
    session = live.viewer()
    seen = live.seen(session)
    assert len(seen) == 6
    assert seen[0][2], "a key frame first"
    assert 0 < seen[-1][1] - seen[0][1] < TICKS
    assert seen[-1][1] == live.layer("").timestamp
    live.frame()
    assert_seamless(live.seen(session))
    assert len(live.seen(session)) == 8


def test_ten_seconds_are_made_up_for_step_by_step() -> None:
    live = Live(("",), packets=5)
    live.frame("all")
    for _ in range(249):
        live.frame()
    session = live.viewer()
    assert AT_ONCE_PACKETS_MAX <= len(live.seen(session)) < AT_ONCE_PACKETS_MAX + 5
    ticks = 0
    while live.room.catching_up:
        before = len(live.seen(session))
        live.tick()
        ticks += 1
        assert len(live.seen(session)) - before < PACED_PACKETS + 5
        if ticks % 2 == 0:
            live.frame()
    assert ticks * 0.02 < 2
    live.frame()
    assert_seamless(live.seen(session))
    assert live.seen(session)[-1][1] == live.layer("").timestamp


def test_a_key_frame_meanwhile_ends_the_catching_up() -> None:
    live = Live(("",), packets=5)
    live.frame("all")
    for _ in range(100):
        live.frame()
    session = live.viewer()
    live.tick()
    live.frame("all")
    live.tick()
    live.frame()
    assert not live.room.catching_up
    seen = live.seen(session)
    assert len(seen) < 200
    assert_seamless(seen)


def test_a_viewer_changes_layers_on_a_key_frame() -> None:
    live = Live()
    live.frame("all")
    for _ in range(60):
        live.frame()
    session = live.viewer()
    assert live.sees(session) == "m"
    live.choose(session, "h")
    live.frame()
    assert live.sees(session) == "m"
    assert live.layer("h").keys.wanted
    live.frame("h")
    assert live.sees(session) == "h"
    live.frame()
    assert_seamless(live.seen(session))


def test_a_key_frame_just_past_is_as_good_as_the_next() -> None:
    live = Live()
    live.frame("all")
    live.frame()
    session = live.viewer()
    live.choose(session, "l")
    assert live.sees(session) == "l"
    live.frame()
    assert_seamless(live.seen(session))


def test_a_decoder_that_lost_the_picture_is_shown_it_again() -> None:
    live = Live()
    live.frame("all")
    live.frame()
    session = live.viewer()
    live.frame()
    before = len(live.seen(session))
    live.forwarder.want_key(live.room, session, live.stream, now=live.now)
    assert live.seen(session)[before][2]
    assert not live.layer("m").keys.wanted, "the host is not troubled"
    live.forwarder.want_key(live.room, session, live.stream, now=live.now)
    assert len(live.seen(session)) == before + 6, "not twice in a row"
    live.frame()
    assert_seamless(live.seen(session))


def test_a_layer_that_the_host_gives_up_is_left() -> None:
    live = Live()
    live.frame("all")
    session = live.viewer()
    live.choose(session, "h")
    assert live.sees(session) == "h"
    for _ in range(60):
        live.frame(skip=("h",))
    live.choose(session, "h")
    live.frame("all", skip=("h",))
    assert live.sees(session) == "m"
    assert_seamless(live.seen(session))


def test_a_line_too_thin_for_the_only_layer_skips_to_key_frames() -> None:
    live = Live(("",), packets=8)
    live.frame("all")
    session = live.viewer()
    for _ in range(60):
        live.frame()
    for highest in (0, 100, 200):
        session.line.hear_report(highest, highest, repeats=False, now=live.now - 1 + highest / 200)
    while not session.downlinks["video"].paused:
        live.frame()
        live.forwarder.choose(live.room, session, now=live.now)
        assert live.now < 200
    before = len(live.seen(session))
    live.frame("all")
    assert len(live.seen(session)) == before
    while session.downlinks["video"].paused:
        live.frame("all")
        live.forwarder.choose(live.room, session, now=live.now)
        assert live.now < 300
    live.frame("all")
    assert len(live.seen(session)) > before
    assert_seamless(live.seen(session))


def test_a_full_line_is_sent_its_smaller_picture_at_a_pace() -> None:
    live = Live(packets=4)
    live.frame("all")
    session = live.viewer()
    live.choose(session, "h")
    for _ in range(60):
        live.frame()
    assert live.sees(session) == "h"
    smaller = live.layer("l").bits_per_s
    session.line.hear_estimate(live.layer("h").bits_per_s, now=live.now)
    session.line.hear_estimate(1.1 * smaller, now=live.now)
    live.choose(session, None)
    before = len(live.seen(session))
    live.packets = 80
    live.frame("l")
    live.packets = 4
    live.tick()
    at_once = len(live.seen(session)) - before
    steps = []
    while live.room.catching_up:
        so_far = len(live.seen(session))
        live.pass_time(FRAME_S / 2)
        live.tick()
        steps.append(len(live.seen(session)) - so_far)
        if len(steps) % 4 == 0:
            live.now -= FRAME_S
            live.frame()
        assert len(steps) < 100
    per_step = THIN_PACE * smaller * FRAME_S / 2 / 8 / 102
    assert max(steps) <= per_step + 1
    assert 0 < at_once <= 2 * per_step + 1, "no more than has drained since"
    assert_seamless(live.seen(session))
    assert [key for _, _, key in live.seen(session)[before : before + 81]] == [True] * 80 + [False]
    live.frame()
    assert live.sees(session) == "l"
    assert live.seen(session)[-1][1] - live.seen(session)[-5][1] == TICKS


def test_a_full_line_drains_while_it_waits_for_its_smaller_picture() -> None:
    live = Live()
    live.frame("all")
    session = live.viewer()
    live.choose(session, "h")
    for _ in range(60):
        live.frame()
    lost = [number for number, _, _ in live.seen(session)[-4:]]
    session.line.hear_estimate(live.layer("h").bits_per_s, now=live.now)
    session.line.hear_estimate(1.1 * live.layer("l").bits_per_s, now=live.now)
    live.choose(session, None)
    live.forwarder.repeat(live.room, session, live.stream, lost, now=live.now)
    assert not live.recorder.again, "the key frame that comes makes them needless"
    live.frame("l")
    live.tick()
    assert live.sees(session) == "l"
    lost.append(live.seen(session)[-1][0])
    live.forwarder.repeat(live.room, session, live.stream, lost, now=live.now)
    assert len(live.recorder.again) == 1


@pytest.mark.parametrize("rids", [("",), ("l", "h"), ("x", "y")])
def test_a_host_that_returns_with_other_layers_keeps_its_viewers(rids: tuple[str, ...]) -> None:
    live = Live()
    live.frame("all")
    session = live.viewer()
    live.frame()
    kept = {layer.rid: layer for layer in live.stream.layers}
    layers = [kept.get(rid) or Track("video", CODEC, 9_000, rid) for rid in rids]
    for layer in live.stream.layers:
        layer.lose_source()
    live.forwarder.replace_layers(live.room, live.stream, layers)
    live.pass_time(3)
    live.frame("all")
    before = len(live.seen(session))
    live.frame("all")
    live.choose(session, None)
    live.frame("all")
    assert len(live.seen(session)) > before
    assert_seamless(live.seen(session))


def test_what_was_missed_comes_again_whatever_layer_it_was_of() -> None:
    live = Live()
    live.frame("all")
    session = live.viewer(repairs=False)
    live.frame()
    live.choose(session, "h")
    live.frame()
    live.choose(session, "l")
    live.frame()
    downlink = session.downlinks["video"]
    for number, time, _ in live.seen(session):
        again = downlink.missed(number & 0xFFFF, now=live.now, rtt_s=0.1)
        assert again is not None
        assert again.number == number
        leg = again.span.leg
        assert again.item.timestamp + again.ticks + leg.ticks & 0xFFFFFFFF == time
    following = live.seen(session)[-1][0] + 1
    assert downlink.missed(following & 0xFFFF, now=live.now, rtt_s=0.1) is None


def test_repeats_wait_for_a_round_trip() -> None:
    live = Live()
    live.frame("all")
    session = live.viewer()
    lost = [live.seen(session)[0][0] & 0xFFFF]
    for _ in range(3):
        live.forwarder.repeat(live.room, session, live.stream, lost, now=live.now)
    assert len(live.recorder.again) == 1
    [(own, payload)] = live.recorder.again
    assert own == 0, "repeats have numbers of their own"
    assert payload[:2] == lost[0].to_bytes(2, "big")
    live.forwarder.repeat(live.room, session, live.stream, lost, now=live.now + 0.2)
    assert len(live.recorder.again) == 2


def test_a_trial_of_the_line_repeats_only_what_the_viewer_has() -> None:
    live = Live()
    live.frame("all")
    for _ in range(30):
        live.frame()
    session = live.viewer()
    for _ in range(60):
        live.frame()
        live.forwarder.choose(live.room, session, now=live.now)
        live.tick()
    first = live.seen(session)[0][0]
    assert live.recorder.again
    for _, payload in live.recorder.again:
        assert int.from_bytes(payload[:2], "big") >= first & 0xFFFF


def test_what_is_under_way_waits_since_it_was_sent() -> None:
    live = Live()
    live.frame("all")
    for _ in range(20):
        live.frame()
    session = live.viewer()
    downlink = session.downlinks["video"]
    newest = downlink.next_number() - 1

    def waits(highest: int) -> float | None:
        return downlink.waits_s(downlink.under_way(highest), now=live.now)

    assert waits(newest - 4) is None, "a newcomer's were sent late"
    live.frame()
    assert waits(newest & 0xFFFF) == pytest.approx(FRAME_S)
    live.frame()
    assert waits(newest + 1) == pytest.approx(2 * FRAME_S)
    assert waits(newest + 2) == pytest.approx(FRAME_S)
    assert waits(newest + 4) == 0
    assert downlink.under_way(newest & 0xFFFF) == 4
    downlink.repair_number = 70_000
    assert downlink.repeats_under_way(69_990 & 0xFFFF) == 9


def test_how_far_a_viewer_is_behind_is_known_whatever_layer_it_was_sent() -> None:
    live = Live()
    live.frame("all")
    session = live.viewer()
    downlink = session.downlinks["video"]
    assert downlink.behind_s(0, now=live.now) == 0
    began = downlink.next_number()
    live.frame()
    assert downlink.behind_s(1, now=live.now) == 0, "since it was not yet sent at the last report"
    live.choose(session, "h")
    live.frame("h")
    came = began + 1
    assert live.sees(session) == "h"
    behind_s = downlink.behind_s(downlink.next_number() - came - 1, now=live.now)
    assert behind_s == 0, "all that had been sent by the last report came"
    live.pass_time(1.0)
    under_way = downlink.next_number() - came - 1
    assert downlink.behind_s(under_way, now=live.now) is None, "nothing came since"
    assert downlink.behind_s(under_way - 1, now=live.now) == pytest.approx(1.0)
    assert downlink.behind_s(0, now=live.now) == 0


def test_a_viewer_that_tells_arrivals_is_estimated() -> None:
    live = Live()
    live.frame("all")
    session = live.viewer()
    for _ in range(60):
        live.frame()
    downlink = session.downlinks["video"]
    downlink.estimator = Estimator()
    assert downlink.layer is not None
    bits = downlink.layer.packet_bits
    newest, sent = downlink.next_number() - 1, live.now
    live.frame()
    live.frame()
    first = newest + 1 & 0xFFFF
    told = Told(first, packets=3, came=2, last=2, at=5.08)  # a whole picture, half of the next
    assert downlink.under_way(told.first + told.last) == 1
    arrival = downlink.arrival(told, 1)
    assert arrival is not None
    assert arrival.sent == pytest.approx(sent + FRAME_S) and arrival.came == 5.08
    assert downlink.arrival(told, 1) is None, "the same again tells nothing"
    told = Told(first + 3, packets=1, came=1, last=0, at=5.2)
    arrival = downlink.arrival(told, 0)
    assert arrival is not None and arrival.bits == pytest.approx(bits)
    live.frame()
    told = Told(first + 4, packets=2, came=2, last=1, at=5.2)
    live.forwarder.hear_arrivals(session, told, now=live.now)
    assert session.line.estimate == downlink.estimator.bits_per_s
    live.forwarder.hear_estimate(session, 1_000, now=live.now)
    assert session.line.estimate == downlink.estimator.bits_per_s, "one of two is enough"
    other = live.viewer()
    live.forwarder.hear_estimate(other, 1_000, now=live.now)
    assert other.line.estimate == 1_000
    session.line.estimate = 0
    live.forwarder.hear_arrivals(
        session, Told(0x8000, packets=1, came=1, last=0, at=1.0), now=live.now
    )
    assert session.line.estimate == 0, "a number that nobody sent"


ACTIONS = st.sampled_from(
    ["frame", "frame", "frame", "key l", "key m", "key h", "key all", "want", "tick", "choose l",
     "choose m", "choose h", "choose", "silence h", "thin", "fit", "second"]
)  # fmt: skip


@given(st.lists(ACTIONS, max_size=60))
def test_no_seam_shows_whatever_happens(actions: list[str]) -> None:
    live = Live()
    live.frame("all")
    sessions = [live.viewer(), live.viewer(repairs=False)]
    for action in actions:
        what, _, rid = action.partition(" ")
        for session in sessions:
            if what == "want":
                live.forwarder.want_key(live.room, session, live.stream, now=live.now)
            elif what == "choose":
                live.choose(session, rid or None)
            elif what == "thin":
                session.line.hear_estimate(session.line.estimate / 2 + 9_000, now=live.now)
            elif what == "fit":
                session.line.hear_estimate(session.line.estimate * 1.1 + 9_000, now=live.now)
            elif what == "second":
                live.pass_time(0.3)
                live.forwarder.choose(live.room, session, now=live.now)
        if what in ("frame", "silence"):
            live.frame(skip=(rid,))
        elif what == "key":
            live.frame(rid)
        elif what == "tick":
            live.tick()
    for session in sessions:
        assert_seamless(live.seen(session))
        session.handshake.close()
