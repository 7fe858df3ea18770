"""The RTMP publisher's FLV stream, written to a file in place of a connection."""

import socket
from pathlib import Path

import av
import pytest

from loadtest.actors.publish import open_sources
from loadtest.clients.rtmp import RtmpSession
from loadtest.errors import NoAnswer
from loadtest.sources.encoded import EncodedSource
from tests.support.clips import CLIP


class Quickened:
    """A second of a source, played in a thousandth of the time."""

    def __init__(self, source: EncodedSource) -> None:
        self._source = source
        self.packet, self.close = source.packet, source.close
        self.request_key_frame = source.request_key_frame

    def due_s(self) -> float | None:
        due_s = self._source.due_s()
        return None if due_s is None or due_s > 1.0 else due_s / 1_000


def sources() -> tuple[EncodedSource, EncodedSource]:
    video, audio = open_sources(CLIP, copy=True, loop=True, bitrate_bps=500_000)
    return Quickened(video), Quickened(audio)


async def test_a_host_sends_h264_and_aac_in_time_order(tmp_path: Path) -> None:
    path = tmp_path / "sent.flv"
    async with RtmpSession(str(path), *sources()) as session:
        assert await session.lost() == "the clip is over"
        assert session.over
    with av.open(str(path)) as container:
        assert [stream.codec.name for stream in container.streams] == ["h264", "aac"]
        packets = list(container.demux())
        times = [packet.dts * packet.time_base for packet in packets if packet.dts is not None]
    assert times == sorted(times)
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    assert (frames[0].width, frames[0].height) == (1280, 720)


async def test_a_server_that_cannot_be_reached_is_no_answer(tmp_path: Path) -> None:
    with pytest.raises(NoAnswer, match="RTMP: No such file"):
        async with RtmpSession(str(tmp_path / "none" / "a.flv"), *sources()):
            raise AssertionError("it is on air")


async def test_a_server_that_accepts_and_says_nothing_is_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"rtmp://127.0.0.1:{silent.getsockname()[1]}/live/key"
        session = RtmpSession(url, *sources(), answer_timeout_s=0.1)
        with pytest.raises(NoAnswer, match=r"the server did not answer within 0\.1 s"):
            async with session:
                raise AssertionError("it is on air")


async def test_an_address_may_have_any_character(tmp_path: Path) -> None:
    path = tmp_path / "a|b'c[d]\\e.flv"
    async with RtmpSession(str(path), *sources()) as session:
        assert await session.lost() == "the clip is over"
    assert path.stat().st_size > 0
