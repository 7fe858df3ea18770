"""A viewer's feedback decides: a smaller layer, paced; retransmits within a budget; a pause."""

import pytest

from media.congestion.estimator import Estimator
from media.forwarding import feedback
from media.forwarding.forwarder import CONGESTED_PACING
from media.wire.transport_cc import TransportFeedback
from tests.support.media_forwarding import FRAME_S, TICKS, LiveRig, assert_seamless


def test_a_link_too_slow_for_the_only_layer_skips_to_key_frames() -> None:
    live = LiveRig(("",), packets=8)
    live.frame("all")
    session = live.viewer()
    for _ in range(60):
        live.frame()
    for highest in (0, 100, 200):
        session.link.on_report(
            highest, highest, retransmits=False, now=live.now - 1 + highest / 200
        )
    while not session.downlinks["video"].paused:
        live.frame()
        live.forwarder.choose(session, now=live.now)
        assert live.now < 200
    before = len(live.seen(session))
    live.frame("all")
    assert len(live.seen(session)) == before
    while session.downlinks["video"].paused:
        live.frame("all")
        live.forwarder.choose(session, now=live.now)
        assert live.now < 300
    live.frame("all")
    assert len(live.seen(session)) > before
    assert_seamless(live.seen(session))


def test_an_overused_link_is_sent_the_smaller_layers_key_frame_paced() -> None:
    live = LiveRig(packets=4)
    live.frame("all")
    session = live.viewer()
    live.choose(session, "h")
    for _ in range(60):
        live.frame()
    assert live.sees(session) == "h"
    smaller = live.layer("l").bits_per_s
    session.link.on_estimate(live.layer("h").bits_per_s, now=live.now)
    session.link.on_estimate(1.1 * smaller, now=live.now)
    live.choose(session, None)
    before = len(live.seen(session))
    live.packets = 80
    live.frame("l")
    live.packets = 4
    live.tick()
    at_once = len(live.seen(session)) - before
    steps = []
    while live.forwarder.catching_up:
        so_far = len(live.seen(session))
        live.pass_time(FRAME_S / 2)
        live.tick()
        steps.append(len(live.seen(session)) - so_far)
        if len(steps) % 4 == 0:
            live.now -= FRAME_S
            live.frame()
        assert len(steps) < 100
    per_step = CONGESTED_PACING * smaller * FRAME_S / 2 / 8 / 102
    assert max(steps) <= per_step + 1
    assert 0 < at_once <= 2 * per_step + 1, "no more than has drained since the last frame"
    assert_seamless(live.seen(session))
    assert [key for _, _, key in live.seen(session)[before : before + 81]] == [True] * 80 + [False]
    live.frame()
    assert live.sees(session) == "l"
    assert live.seen(session)[-1][1] - live.seen(session)[-5][1] == TICKS


def test_an_overused_link_gets_no_retransmits_while_it_waits_for_the_smaller_layer() -> None:
    live = LiveRig()
    live.frame("all")
    session = live.viewer()
    live.choose(session, "h")
    for _ in range(60):
        live.frame()
    lost = [number for number, _, _ in live.seen(session)[-4:]]
    session.link.on_estimate(live.layer("h").bits_per_s, now=live.now)
    session.link.on_estimate(1.1 * live.layer("l").bits_per_s, now=live.now)
    live.choose(session, None)
    live.forwarder.retransmit(session, session.downlinks["video"], lost, now=live.now)
    assert not live.recorder.resent, "the key frame makes them useless"
    live.frame("l")
    live.tick()
    assert live.sees(session) == "l"
    lost.append(live.seen(session)[-1][0])
    live.forwarder.retransmit(session, session.downlinks["video"], lost, now=live.now)
    assert len(live.recorder.resent) == 1


def test_losses_of_a_replayed_gop_are_no_overuse() -> None:
    live = LiveRig()
    live.frame("all")
    for _ in range(50):
        live.frame()
    session = live.viewer()
    numbers = [number & 0xFFFF for number, _, _ in live.seen(session)]
    assert len(numbers) > 100
    live.now += 1.1  # the first feedback is ignored
    live.forwarder.retransmit(session, session.downlinks["video"], numbers[::8], now=live.now)
    assert len(live.recorder.resent) == len(numbers[::8])
    assert session.link.capacity is None
    for _ in range(10):
        live.frame()
    gone = [number & 0xFFFF for number, _, _ in live.seen(session)[-18:]]
    live.forwarder.retransmit(session, session.downlinks["video"], gone, now=live.now)
    assert session.link.capacity is not None, "so many losses of live packets are"


def test_the_handshakes_rtt_sets_the_first_retransmit_interval() -> None:
    live = LiveRig()
    live.frame("all")
    session = live.viewer()
    session.rtt.on_answer(0.06)
    lost = [live.seen(session)[0][0] & 0xFFFF]
    for at in (0, 0.05, 0.07):
        live.forwarder.retransmit(session, session.downlinks["video"], lost, now=live.now + at)
    assert len(live.recorder.resent) == 2


def test_lost_packets_of_a_former_layer_are_retransmitted() -> None:
    live = LiveRig()
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


def test_a_packet_is_retransmitted_once_per_rtt() -> None:
    live = LiveRig()
    live.frame("all")
    session = live.viewer()
    lost = [live.seen(session)[0][0] & 0xFFFF]
    for _ in range(3):
        live.forwarder.retransmit(session, session.downlinks["video"], lost, now=live.now)
    assert len(live.recorder.resent) == 1
    [(own, payload)] = live.recorder.resent
    assert own == 0, "retransmits have sequence numbers of their own"
    assert payload[:2] == lost[0].to_bytes(2, "big")
    live.forwarder.retransmit(session, session.downlinks["video"], lost, now=live.now + 0.2)
    assert len(live.recorder.resent) == 2


def test_a_probe_retransmits_only_packets_that_the_viewer_was_sent() -> None:
    live = LiveRig()
    live.frame("all")
    for _ in range(30):
        live.frame()
    session = live.viewer()
    for _ in range(60):
        live.frame()
        live.forwarder.choose(session, now=live.now)
        live.tick()
    first = live.seen(session)[0][0]
    assert live.recorder.resent
    for _, payload in live.recorder.resent:
        assert int.from_bytes(payload[:2], "big") >= first & 0xFFFF


def test_queuing_delay_counts_from_when_the_packet_was_sent() -> None:
    live = LiveRig()
    live.frame("all")
    for _ in range(20):
        live.frame()
    session = live.viewer()
    downlink = session.downlinks["video"]
    newest = downlink.next_number() - 1

    def queuing_delay_s(highest: int) -> float | None:
        return downlink.queuing_delay_s(downlink.in_flight(highest), now=live.now)

    assert queuing_delay_s(newest - 4) is None, "a replayed packet is no sample"
    live.frame()
    assert queuing_delay_s(newest & 0xFFFF) == pytest.approx(FRAME_S)
    live.frame()
    assert queuing_delay_s(newest + 1) == pytest.approx(2 * FRAME_S)
    assert queuing_delay_s(newest + 2) == pytest.approx(FRAME_S)
    assert queuing_delay_s(newest + 4) == 0
    assert downlink.in_flight(newest & 0xFFFF) == 4
    downlink.repair_number = 70_000
    assert downlink.retransmits_in_flight(69_990 & 0xFFFF) == 9


def test_the_oldest_packet_in_flight_is_known_across_layers() -> None:
    live = LiveRig()
    live.frame("all")
    session = live.viewer()
    downlink = session.downlinks["video"]
    assert downlink.oldest_in_flight_s(0, now=live.now) == 0
    began = downlink.next_number()
    live.frame()
    assert downlink.oldest_in_flight_s(1, now=live.now) == 0, "it was sent after the last report"
    live.choose(session, "h")
    live.frame("h")
    came = began + 1
    assert live.sees(session) == "h"
    oldest_in_flight_s = downlink.oldest_in_flight_s(
        downlink.next_number() - came - 1, now=live.now
    )
    assert oldest_in_flight_s == 0, "all packets sent by the last report arrived"
    live.pass_time(1.0)
    in_flight = downlink.next_number() - came - 1
    assert downlink.oldest_in_flight_s(in_flight, now=live.now) is None, "nothing arrived since"
    assert downlink.oldest_in_flight_s(in_flight - 1, now=live.now) == pytest.approx(1.0)
    assert downlink.oldest_in_flight_s(0, now=live.now) == 0


def test_a_viewer_with_transport_feedback_gets_our_estimate() -> None:
    live = LiveRig()
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
    message = TransportFeedback(
        first, packets=3, received=2, last=2, at=5.08
    )  # a frame and half of the next
    assert downlink.in_flight(message.first + message.last) == 1
    arrival = downlink.arrival(message, 1)
    assert arrival is not None
    assert arrival.sent_at == pytest.approx(sent + FRAME_S) and arrival.arrived_at == 5.08
    assert downlink.arrival(message, 1) is None, "duplicate feedback has no arrival"
    message = TransportFeedback(first + 3, packets=1, received=1, last=0, at=5.2)
    arrival = downlink.arrival(message, 0)
    assert arrival is not None and arrival.bits == pytest.approx(bits)
    live.frame()
    message = TransportFeedback(first + 4, packets=2, received=2, last=1, at=5.2)
    feedback.on_transport_feedback(session, message, now=live.now)
    assert session.link.estimate == downlink.estimator.bits_per_s
    feedback.on_estimate(session, 1_000, now=live.now)
    assert session.link.estimate == downlink.estimator.bits_per_s, "its REMB is ignored"
    other = live.viewer()
    feedback.on_estimate(other, 1_000, now=live.now)
    assert other.link.estimate == 1_000
    session.link.estimate = 0
    feedback.on_transport_feedback(
        session, TransportFeedback(0x8000, packets=1, received=1, last=0, at=1.0), now=live.now
    )
    assert session.link.estimate == 0, "a number that was never sent is ignored"
