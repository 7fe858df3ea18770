"""The whole plane on loopback: aiortc hosts and viewers, returns, takeovers."""

import errno
from time import monotonic

import pytest
from aiortc.rtp import RtcpPacket

from media.errors import Busy, Full, NoSuchSession, NotLive
from media.events import MediaEvent, PublisherGone, PublisherLost, PublisherUp
from media.forwarding.host import Host
from media.forwarding.live import HIGH_HOST_RTT_S, KEEPALIVE_INTERVAL_S, YOUNG_S
from media.forwarding.lives import FIRST_MEDIA_TIMEOUT_S
from media.io.webrtc.plane import MediaPlane, PlaneConfig
from media.io.webrtc.session import Direction
from media.io.webrtc.stats import LiveStats
from media.wire import transport_cc
from media.wire.demux import Kind, kind_of
from media.wire.sdp import SEND_TIME_URI
from tests.support.media_peers import host, loopback_candidates, next_frame, viewer
from tests.support.media_plane import ROOM, live, plane, playing, publishing
from tests.support.sdp_offers import OFFER
from tests.support.waiting import wait_until

__all__ = ["loopback_candidates", "plane"]


@pytest.fixture
def events(plane: MediaPlane) -> list[MediaEvent]:
    """The events of the plane so far."""
    events: list[MediaEvent] = []
    plane.listener = events.append
    return events


@pytest.mark.parametrize("codec", ["video/H264", "video/VP8"])
async def test_a_viewer_decodes_what_a_host_sends(plane: MediaPlane, codec: str) -> None:
    async with host(publishing(plane), codec):
        await wait_until(lambda: live(plane), what="the live")
        async with viewer(playing(plane)) as layers:
            frame = await next_frame(layers["video"])
            assert (frame.width, frame.height) == (160, 120)
            await next_frame(layers["video"])
            assert plane.media_time(ROOM) is not None
        stats = plane.stats()
    assert stats.rejected == {}
    assert stats.send_errors == stats.send_blocked == 0


async def test_media_alone_is_read_with_the_ticks_and_a_newcomer_at_once(plane: MediaPlane) -> None:
    assert plane.reads_at_once
    async with host(publishing(plane)):
        await wait_until(lambda: live(plane) and not plane.reads_at_once, what="the host alone")
        await plane.play(ROOM, OFFER.replace("sendonly", "recvonly"))
        assert plane.reads_at_once
        async with viewer(playing(plane)) as layers:
            await next_frame(layers["video"])


async def test_a_busy_worker_refuses_joins_and_serves_its_viewers(plane: MediaPlane) -> None:
    async with host(publishing(plane)):
        await wait_until(lambda: live(plane), what="the live")
        async with viewer(playing(plane)) as layers:
            await next_frame(layers["video"])
            plane.load.busy = 2.0  # stays above the mark for a second
            with pytest.raises(Full) as caught:
                await plane.play(ROOM, OFFER.replace("sendonly", "recvonly"))
            assert caught.value.retry_after_s > 0
            await next_frame(layers["video"])


async def test_stats_have_layers_and_viewer_links(plane: MediaPlane) -> None:
    def found() -> LiveStats:
        stats = plane.live_stats(ROOM)
        assert stats
        return stats

    async with host(publishing(plane)):
        await wait_until(lambda: live(plane), what="the live")
        async with viewer(playing(plane)) as layers:
            await next_frame(layers["video"])

            def known() -> bool:
                [link] = found().viewers
                counted = all(track.frames_per_s for track in found().streams)
                reported = {"video", "audio"} == set(link.lost) and link.round_trip_ms is not None
                return counted and reported

            await wait_until(known, what="reports of both")
            [link] = found().viewers
            video, audio = found().streams
    assert link.round_trip_ms is not None
    assert link.round_trip_ms >= 0
    assert link.connected and link.gcm
    assert (video.codec, audio.codec) == ("H264", "opus")
    # As many as a busy machine makes, and not much more than the host's 15 and 50.
    assert 0 < video.frames_per_s < 25
    assert 0 < audio.frames_per_s < 70
    assert video.bits_per_s > 1_000
    assert video.jitter_ms >= 0
    assert plane.live_stats("elsewhere") is None


async def test_a_live_without_audio_can_be_watched(plane: MediaPlane) -> None:
    async with host(publishing(plane), audio=False):
        await wait_until(lambda: live(plane), what="the live")
        async with viewer(playing(plane)) as layers:
            await next_frame(layers["video"])


async def test_a_viewer_before_the_host_is_refused_with_retry_after(plane: MediaPlane) -> None:
    with pytest.raises(NotLive) as caught:
        await plane.play(ROOM, OFFER.replace("sendonly", "recvonly"))
    assert caught.value.retry_after_s > 0


async def test_a_host_that_returns_keeps_its_viewers(
    plane: MediaPlane, events: list[MediaEvent]
) -> None:
    async with host(publishing(plane)):
        await wait_until(lambda: live(plane), what="the live")
        watching = viewer(playing(plane))
        layers = await watching.__aenter__()
        await next_frame(layers["video"])
    await wait_until(lambda: PublisherLost(ROOM) in events, what="the loss")
    async with host(publishing(plane)):
        await wait_until(lambda: PublisherUp(ROOM, returned=True) in events, what="the return")
        sent = plane.stats().packets_out
        await wait_until(lambda: plane.stats().packets_out > sent + 20, what="more packets")
        await next_frame(layers["video"])
        assert plane.stats().sessions_play == 1
    await watching.__aexit__(None, None, None)
    assert events[0] == PublisherUp(ROOM, returned=False)


async def test_viewers_get_rtcp_keepalives_while_the_host_is_silent(plane: MediaPlane) -> None:
    """Their pages then know a host that is away from a link that is down."""
    sent: list[bytes] = []
    async with host(publishing(plane)):
        await wait_until(lambda: live(plane), what="the live")
        watching = viewer(playing(plane))
        await next_frame((await watching.__aenter__())["video"])
    [watcher] = plane._lives.by_room[ROOM].viewers
    session = plane.session(watcher, ROOM, Direction.PLAY)
    began, session.send_to = monotonic(), lambda datagram, _: sent.append(datagram)
    await wait_until(lambda: len(sent) == 3, what="reports")
    assert monotonic() - began > 2 * KEEPALIVE_INTERVAL_S
    assert {kind_of(datagram) for datagram in sent} == {Kind.RTCP}
    await watching.__aexit__(None, None, None)


async def test_a_host_that_stays_away_ends_the_live(
    plane: MediaPlane, events: list[MediaEvent]
) -> None:
    plane.config = PlaneConfig(addresses=("127.0.0.1",), grace_s=0)
    async with host(publishing(plane)):
        await wait_until(lambda: live(plane), what="the live")
    await wait_until(lambda: PublisherGone(ROOM) in events, what="the end")
    assert plane.stats().sessions_publish == 0


async def test_a_standby_host_steps_aside_and_stays_away(plane: MediaPlane) -> None:
    async with host(publishing(plane, takeover=False)):
        await wait_until(lambda: live(plane), what="the demo host's live")
        async with host(publishing(plane)):
            await wait_until(lambda: plane.stats().sessions_publish == 1, what="the takeover")
            await wait_until(lambda: live(plane), what="the owner's live")
            with pytest.raises(Busy) as caught:
                await plane.publish(ROOM, OFFER, takeover=False)
            assert caught.value.retry_after_s > 0


async def test_a_host_that_takes_over_and_sends_nothing_is_lost(
    plane: MediaPlane, events: list[MediaEvent]
) -> None:
    async with host(publishing(plane)):
        await wait_until(lambda: live(plane), what="the live")
        await plane.publish(ROOM, OFFER, takeover=True)
        found = plane._lives.by_room[ROOM]
        assert found.on_air, "its first packet may come at any moment"
        plane._lives.count_second(now=found.source_since + FIRST_MEDIA_TIMEOUT_S - 0.1)
        assert events == [PublisherUp(ROOM, returned=False)]
        plane._lives.count_second(now=found.source_since + FIRST_MEDIA_TIMEOUT_S + 0.1)
        assert events[1:] == [PublisherLost(ROOM)]


async def test_a_returning_host_gets_time_for_its_first_packet(
    plane: MediaPlane, events: list[MediaEvent]
) -> None:
    async with host(publishing(plane)):
        await wait_until(lambda: live(plane), what="the live")
    await wait_until(lambda: PublisherLost(ROOM) in events, what="the loss")
    await plane.publish(ROOM, OFFER, takeover=True)
    found = plane._lives.by_room[ROOM]
    coming, since = found.source, found.source_since
    assert coming
    plane._lives.end_lost(now=since + FIRST_MEDIA_TIMEOUT_S - 0.1, grace_s=0)
    assert plane._lives.by_room[ROOM].source is coming
    plane._lives.end_lost(now=since + FIRST_MEDIA_TIMEOUT_S + 0.1, grace_s=0)
    assert PublisherGone(ROOM) in events


async def test_ending_a_live_closes_all_sessions(
    plane: MediaPlane, events: list[MediaEvent]
) -> None:
    async with host(publishing(plane)):
        await wait_until(lambda: live(plane), what="the live")
        async with viewer(playing(plane)) as layers:
            await next_frame(layers["video"])
            await plane.end(ROOM)
            stats = plane.stats()
            assert (stats.sessions_play, stats.sessions_publish) == (0, 0)
    assert events[-1] == PublisherGone(ROOM)


@pytest.mark.parametrize("repairs", [True, False], ids=["as RFC 4588", "byte for byte"])
async def test_a_lost_packet_is_retransmitted(plane: MediaPlane, repairs: bool) -> None:
    sent: list[bytes] = []
    dropping = {"left": 0}
    real = plane._fanout._sock

    class Lossy:
        """The plane's socket, which drops packets to a viewer when asked to."""

        def __getattr__(self, name: str) -> object:
            return getattr(real, name)

        def sendto(self, data: memoryview, address: tuple[str, int]) -> int:
            return len(data) if self._loses(bytes(data)) else real.sendto(data, address)

        def _loses(self, data: bytes) -> bool:
            if kind_of(data) is not Kind.RTP or data[8:12] != ssrc:
                return False
            if dropping["left"] > 0:
                dropping["left"] -= 1
                sent.append(data)
                return True
            if data in sent:
                sent.remove(data)
            return False

    async def negotiate(offer: str) -> str:
        return await playing(plane)(offer if repairs else offer.replace(" rtx/", " none/"))

    async with host(publishing(plane), size=(48, 32)):
        await wait_until(lambda: live(plane), what="the live")
        async with viewer(negotiate) as layers:
            await next_frame(layers["video"])
            ssrc = plane._lives.by_room[ROOM].tracks["video"].ssrc.to_bytes(4, "big")
            plane._fanout._sock = Lossy()  # type: ignore[assignment]  # the same but for losses
            dropping["left"] = 1
            for _ in range(12):
                await next_frame(layers["video"])
            # A busy machine may have lost others, which are resent first.
            lost = 1 if repairs else 0
            await wait_until(
                lambda: plane.stats().resent > 0 and len(sent) == lost, what="its retransmit"
            )


async def test_a_viewer_with_transport_cc_gets_transport_wide_numbers(plane: MediaPlane) -> None:
    """They are the sequence numbers, so that all viewers' headers stay alike (ADR 7)."""
    real = plane._fanout._sock
    sent: list[bytes] = []

    class Noting:
        """The plane's socket, which keeps what it sends."""

        def __getattr__(self, name: str) -> object:
            return getattr(real, name)

        def sendto(self, data: memoryview, address: tuple[str, int]) -> int:
            sent.append(bytes(data[:20]))
            return real.sendto(data, address)

    async def negotiate(offer: str) -> str:
        offer = offer.replace("goog-remb", "transport-cc")
        offer = offer.replace("a=mid:0\r\n", f"a=mid:0\r\na=extmap:9 {transport_cc.URI}\r\n")
        answer = await playing(plane)(offer)
        assert f"a=extmap:9 {transport_cc.URI}\r\n" in answer
        assert "transport-cc" in answer and "goog-remb" not in answer
        assert SEND_TIME_URI not in answer
        return answer

    async with host(publishing(plane), size=(48, 32)):
        await wait_until(lambda: live(plane), what="the live")
        plane._fanout._sock = Noting()  # type: ignore[assignment]  # the same but for a note
        async with viewer(negotiate) as layers:
            for _ in range(5):
                await next_frame(layers["video"])
        ssrc = plane._lives.by_room[ROOM].tracks["video"].ssrc.to_bytes(4, "big")
    headers = [data for data in sent if kind_of(data) is Kind.RTP and data[8:12] == ssrc]
    assert len(headers) >= 5
    for header in headers:
        number = header[2:4]
        assert header[12:20] == bytes.fromhex("bede0001 91") + number + bytes(1)


async def test_the_hosts_rtt_sets_the_repair_delay_of_a_young_live(plane: MediaPlane) -> None:
    async with host(publishing(plane), size=(48, 32)):
        await wait_until(lambda: live(plane), what="the live")
        found = plane._lives.by_room[ROOM]
        source = found.source
        assert isinstance(source, Host)
        assert source.round_trip_s > 0
        now = found.source_since + 1
        source.rtt.handshake_s = 0.005
        assert found.repair_delay_s(now=now) < HIGH_HOST_RTT_S
        source.rtt.handshake_s = 0.080
        assert found.repair_delay_s(now=now) == pytest.approx(0.230)
        assert found.repair_delay_s(now=now + YOUNG_S) < HIGH_HOST_RTT_S


@pytest.mark.parametrize("who", ["kernel", "route"])
async def test_packets_are_sent_singly_where_segmentation_is_refused(
    plane: MediaPlane, who: str
) -> None:
    real, refused = plane._fanout._sock, {"kernel": 0, "route": 0}

    class Old:
        """A socket of a kernel that does not know UDP_SEGMENT, or whose card cannot do it."""

        def __getattr__(self, name: str) -> object:
            return getattr(real, name)

        def setsockopt(self, *option: int) -> None:
            if who == "kernel":
                refused["kernel"] += 1
                raise OSError(errno.ENOPROTOOPT, "Protocol not available")
            real.setsockopt(*option)

        def sendto(self, datagram: bytes, address: object) -> int:
            if len(datagram) > 1_500:
                refused["route"] += 1
                raise OSError(errno.EIO, "Input/output error")
            return real.sendto(datagram, address)  # type: ignore[call-overload,no-any-return]

    async with host(publishing(plane), size=(640, 480)):
        await wait_until(lambda: live(plane), what="the live")
        plane._fanout._sock = Old()  # type: ignore[assignment]  # the same but for two calls
        async with viewer(playing(plane)) as layers:
            for _ in range(3):
                await next_frame(layers["video"])
    stats = plane.stats()
    assert refused[who] == 1
    assert not stats.gso
    assert stats.send_errors == 0


async def test_a_session_is_found_by_room_and_role_only(plane: MediaPlane) -> None:
    info = await plane.publish(ROOM, OFFER, takeover=True)
    assert plane.session(info.id, ROOM, Direction.PUBLISH)
    for room, direction in (("other", Direction.PUBLISH), (ROOM, Direction.PLAY)):
        with pytest.raises(NoSuchSession):
            plane.session(info.id, room, direction)
    await plane.close_session(info.id, ROOM, Direction.PUBLISH)
    with pytest.raises(NoSuchSession):
        await plane.close_session(info.id, ROOM, Direction.PUBLISH)


def test_aiortc_parses_our_rtcp() -> None:
    from media.wire.rtcp import negative_acknowledgement, picture_loss_indication, sender_report

    assert RtcpPacket.parse(negative_acknowledgement(7, [3, 4, 9]))[1].lost == [3, 4, 9]  # type: ignore[union-attr]  # it is a NACK
    assert RtcpPacket.parse(picture_loss_indication(7))[1].media_ssrc == 7  # type: ignore[union-attr]  # it is a PLI
    report = RtcpPacket.parse(sender_report(7, ntp_time=1 << 40, timestamp=5, packets=6, octets=8))
    assert report[0].sender_info.rtp_timestamp == 5  # type: ignore[union-attr]  # it is an SR
