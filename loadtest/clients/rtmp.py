"""An RTMP publisher over FFmpeg: H.264 as its source gives it, audio as AAC.

FFmpeg connects with the interpreter's lock held: publish from a process that does nothing else.
"""

import asyncio
import io
import threading
import time
from collections.abc import Iterator
from typing import Any

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream

from loadtest.errors import ClipError, NoAnswer
from loadtest.sources.ambience import RATE_HZ
from loadtest.sources.encoded import EncodedSource, Packet
from loadtest.sources.tracks import LATE_MAX_S

SCHEMES = ("rtmp://", "rtmps://")
AAC_BITRATE_BPS = 96_000
ANSWER_TIMEOUT_S = 5.0  # of each read and write: FFmpeg by itself waits for ever
MICROSECONDS = 1_000_000


class RtmpSession:
    """One connection of a host. `async with` publishes; `lost()` returns when it has ended."""

    def __init__(
        self,
        url: str,
        video: EncodedSource,
        audio: EncodedSource,
        *,
        answer_timeout_s: float = ANSWER_TIMEOUT_S,
    ) -> None:
        self._url = url
        self._answer_timeout_s = answer_timeout_s
        self._video, self._audio = video, audio
        self._stop = threading.Event()
        self._on_air = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._publishing: asyncio.Future[bool] | None = None
        self.over = False

    async def __aenter__(self) -> "RtmpSession":
        self._publishing = self._loop.run_in_executor(None, self._publish)
        on_air = asyncio.create_task(self._on_air.wait())
        first: list[asyncio.Future[Any]] = [on_air, self._publishing]
        try:
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            if not self._on_air.is_set():
                self._publishing.result()
        except BaseException:
            await self.close()
            raise
        finally:
            on_air.cancel()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def lost(self) -> str:
        """Return why the session ended, once it has."""
        assert self._publishing
        await asyncio.wait([self._publishing])
        if error := self._publishing.exception():
            return str(error)
        self.over = self._publishing.result()
        return "the clip is over" if self.over else "ended here"

    async def close(self) -> None:
        """End the stream and let go of everything. Idempotent."""
        self._stop.set()
        if self._publishing:
            await asyncio.gather(self._publishing, return_exceptions=True)
        self._video.close()
        self._audio.close()

    def _publish(self) -> bool:
        """Send what is due until the sources end (True) or `close` is called.

        Raises:
            NoAnswer: The server is not there, or has closed the connection.
        """
        try:
            to = _flv_to(self._url, self._answer_timeout_s)
            with av.open(to, "w", format="tee") as container:
                muxer = _Muxer(container, self._video)
                for packet, is_video in self._due():
                    (muxer.video if is_video else muxer.audio)(packet)
                    if not self._on_air.is_set():
                        self._loop.call_soon_threadsafe(self._on_air.set)
        except TimeoutError:
            wait_s = self._answer_timeout_s
            raise NoAnswer(f"RTMP: the server did not answer within {wait_s:g} s") from None
        except (av.FFmpegError, OSError) as error:
            raise NoAnswer(f"RTMP: {getattr(error, 'strerror', error)}") from None
        return not self._stop.is_set()

    def _due(self) -> Iterator[tuple[Packet, bool]]:
        """Yield the packets of both sources, each when it is due."""
        began_s: float | None = None
        while True:
            video_s, audio_s = self._video.due_s(), self._audio.due_s()
            if video_s is None or audio_s is None:
                return
            due_s = min(video_s, audio_s)
            now_s = time.monotonic()
            if began_s is None or now_s - began_s - due_s > LATE_MAX_S:
                began_s = now_s - due_s
            if self._stop.wait(max(0.0, began_s + due_s - now_s)):
                return
            is_video = video_s <= audio_s
            yield (self._video if is_video else self._audio).packet(), is_video


class _Muxer:
    """The two streams of an FLV container."""

    def __init__(self, container: OutputContainer, video: EncodedSource) -> None:
        self._container = container
        self._first = _first_key_frame(video)
        # FFmpeg makes the AVC sequence header of the parameter sets in the first key frame.
        with av.open(io.BytesIO(bytes(self._first)), format="h264") as template:
            stream = container.add_stream_from_template(template.streams.video[0])
        assert isinstance(stream, VideoStream)
        self._video = stream
        self._audio = container.add_stream("aac", rate=RATE_HZ, layout="stereo")
        assert isinstance(self._audio, AudioStream)
        self._audio.codec_context.bit_rate = AAC_BITRATE_BPS
        self._opus = av.CodecContext.create("libopus", "r")
        assert isinstance(self._opus, AudioCodecContext)
        self._opus.layout, self._opus.sample_rate = "stereo", RATE_HZ
        self.video(self._first)

    def video(self, packet: Packet) -> None:
        """Send a frame."""
        packet.dts = packet.pts
        packet.stream = self._video
        self._container.mux(packet)

    def audio(self, packet: Packet) -> None:
        """Send 20 ms of audio."""
        for frame in self._opus.decode(packet):
            frame.pts, frame.time_base = packet.pts, packet.time_base
            self._container.mux(self._audio.encode(frame))


def _flv_to(url: str, timeout_s: float) -> str:
    """Return the address for FFmpeg's tee muxer, the one that hands the timeout to the socket."""
    escaped = "".join(f"\\{one}" if one in "\\'|" else one for one in url)
    return f"[f=flv:rw_timeout={round(timeout_s * MICROSECONDS)}]{escaped}"


def _first_key_frame(video: EncodedSource) -> Packet:
    """Return the source's next key frame.

    Raises:
        ClipError: It has none.
    """
    while video.due_s() is not None:
        packet = video.packet()
        if packet.is_keyframe:
            return packet
    raise ClipError("the clip has no key frame")
