"""One publisher's TCP connection: its bytes, its deadlines, its way into the live.

TCP → RtmpSession → authorize → configurations of video and sound → Encoder → the live
"""

import asyncio
import secrets
import time
from time import monotonic
from typing import TYPE_CHECKING, cast

import structlog

from media.errors import Malformed, MalformedFlv, TooManyAttempts
from media.forwarding.encoder import Encoder
from media.io.rtmp.aac_to_opus import AacToOpus
from media.stream.layer import Layer
from media.wire import flv
from media.wire.rtmp_chunks import MessageType
from media.wire.rtmp_session import (
    Ended,
    MediaReceived,
    MetadataReceived,
    PublishRequested,
    RtmpEvent,
    RtmpSession,
)

if TYPE_CHECKING:
    from media.io.rtmp.listener import RtmpListener

PUBLISH_TIMEOUT_S = 5.0  # from the connection to the publish command
SILENT_S = 10.0
# Encoders send their configurations first; sound that is not announced by then is left out.
CONFIGURE_TIMEOUT_S = 1.0
CONFIGURE_TAGS_MAX = 300
NO_VIDEO_TIMEOUT_S = 5.0
AUDIO_FRAMES_WAITING_MAX = 100  # two seconds
NONCE_BYTES = 1_528
WRITE_BYTES_MAX = 64_000  # a publisher that does not read its answers

log = structlog.get_logger()


class RtmpConnection(asyncio.Protocol):
    """State of one connection; the listener sweeps it once a second."""

    def __init__(self, listener: "RtmpListener") -> None:
        self.address = ""
        self.publishing = False
        self.key = ""  # from the publish command on
        self._listener = listener
        self._session = RtmpSession(secrets.token_bytes(NONCE_BYTES))
        self._transport: asyncio.Transport | None = None
        self._opened_at = self._received_at = monotonic()
        self._room_id = ""
        self._reason = "closed by the publisher"
        self._authorizing: asyncio.Task[None] | None = None
        self._transcoding: asyncio.Task[None] | None = None
        self._encoder: Encoder | None = None
        self._avc: flv.AvcConfig | None = None
        self._aac: flv.AacConfig | None = None
        self._waiting: list[MediaReceived] = []  # until the configurations are here
        self._audio: asyncio.Queue[tuple[bytes, int]] = asyncio.Queue(AUDIO_FRAMES_WAITING_MAX)

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A publisher connected."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        self.address = _plain((self._transport.get_extra_info("peername") or ("",))[0])
        if not self._listener.admit(self):
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take bytes of the publisher."""
        self._received_at = monotonic()
        self._listener.bytes_in += len(data)
        try:
            for event in self._session.receive(data):
                self._take(event)
        except Malformed as error:
            self._end_malformed(error)
            return
        self._flush()

    def _end_malformed(self, error: Malformed) -> None:
        log.info("an RTMP publisher was refused", room=self._room_id, why=str(error))
        if isinstance(error, MalformedFlv):
            self._refuse("malformed", "NetStream.Publish.Failed", f"{error}.")
            return
        self._flush()
        self.end("malformed")

    def _refuse(self, reason: str, code: str, description: str) -> None:
        """Tell the publisher why, and close the connection."""
        self._session.refuse(code, description)
        self._flush()
        self.end(reason)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over."""
        self._finish()

    # Deadlines

    def sweep(self, *, now: float) -> None:
        """Call once a second."""
        if not self.publishing:
            if now - self._opened_at > PUBLISH_TIMEOUT_S and self._authorizing is None:
                self.end("no publish command")
            return
        if now - self._received_at > SILENT_S:
            self.end("silent")
        elif self._encoder is not None:
            self._listener.plane.send_clock(self._room_id, self._encoder)
        elif now - self._opened_at > NO_VIDEO_TIMEOUT_S + PUBLISH_TIMEOUT_S:
            self._refuse("no video", "NetStream.Publish.Failed", "No H.264 video arrived.")
        else:
            try:
                self._configure(now=now)
            except Malformed as error:
                self._end_malformed(error)

    def end(self, reason: str) -> asyncio.Task[None] | None:
        """Close the connection; return what is still to be awaited. Idempotent."""
        if self._transport is None:
            return None
        self._reason = reason
        self._transport.close()
        self._finish()
        return self._transcoding

    def _finish(self) -> None:
        if self._transport is None:
            return
        self._transport = None
        for task in (self._authorizing, self._transcoding):
            if task is not None:
                task.cancel()
        if self._encoder is not None:
            encoder, self._encoder = self._encoder, None
            self._listener.plane.end_source(self._room_id, encoder)
        if self.publishing:
            log.info("RTMP publisher gone", room=self._room_id, why=self._reason)
        self._listener.forget(self, self._reason)

    def _flush(self) -> None:
        out = self._session.data_to_send()
        if self._transport is None or not out:
            return
        self._transport.write(out)
        if self._transport.get_write_buffer_size() > WRITE_BYTES_MAX:
            self.end("does not read")

    # What the publisher sends

    def _take(self, event: RtmpEvent) -> None:
        match event:
            case PublishRequested():
                self.key = event.key
                task = self._authorize(event)
                self._authorizing = asyncio.create_task(task, name="rtmp authorize")
            case MediaReceived() if self._encoder is None:
                self._await_configuration(event)
            case MediaReceived():
                self._take_media(event)
            case MetadataReceived():
                log.debug("RTMP metadata", room=self._room_id, names=sorted(event.values)[:20])
            case Ended():
                self.end("ended by the publisher")

    async def _authorize(self, asked: PublishRequested) -> None:
        try:
            room_id = await self._listener.authorize(self.address, asked.key)
        except TooManyAttempts:
            self._refuse(
                "too many attempts",
                "NetStream.Publish.Denied",
                "Too many attempts from this address. Please wait a minute.",
            )
            return
        except Exception as error:
            # Whatever keeps the key from being looked up, the publisher tries again by itself.
            log.warning("an RTMP stream key could not be checked", why=type(error).__name__)
            self.end("key not checked")
            return
        if self._transport is None:
            return
        if room_id is None:
            self._refuse("wrong key", "NetStream.Publish.BadName", "This stream key is not known.")
            return
        self._room_id, self.publishing = room_id, True
        self._opened_at = monotonic()
        self._session.accept()
        self._flush()
        log.info("RTMP publisher", room=room_id, app=asked.app)

    def _await_configuration(self, event: MediaReceived) -> None:
        self._waiting.append(event)
        if event.type is MessageType.VIDEO:
            tag = flv.video(event.body, self._avc.length_bytes if self._avc else 4)
            self._avc = tag if isinstance(tag, flv.AvcConfig) else self._avc
        else:
            sound = flv.audio(event.body)
            self._aac = sound if isinstance(sound, flv.AacConfig) else self._aac
        self._configure(now=monotonic())

    def _configure(self, *, now: float) -> None:
        """Begin once both configurations are here, or only video's after a while."""
        late = now - self._opened_at > CONFIGURE_TIMEOUT_S
        if len(self._waiting) > CONFIGURE_TAGS_MAX:
            late = True
            del self._waiting[0]
        if self._avc is None or (self._aac is None and not late):
            return
        has_audio = self._aac is not None
        at_s = time.time() - self._waiting[-1].timestamp / 1_000
        self._encoder = Encoder(
            secrets.token_urlsafe(8),
            self._avc,
            has_audio=has_audio,
            at_s=at_s,
            on_close=lambda: self.end("replaced"),
        )
        if self._aac is not None:
            run = self._transcode(AacToOpus(self._aac))
            self._transcoding = asyncio.create_task(run, name="rtmp audio")
        self._listener.plane.publish_source(self._room_id, self._encoder)
        waiting, self._waiting = self._waiting, []
        for event in waiting:
            self._take_media(event)

    def _take_media(self, event: MediaReceived) -> None:
        encoder = self._encoder
        if encoder is None or self._avc is None:
            return  # ended meanwhile
        if event.type is MessageType.AUDIO:
            self._take_audio(event)
            return
        match flv.video(event.body, self._avc.length_bytes):
            case flv.AvcConfig() as config:
                self._avc = config
                encoder.configure(config)
            case flv.AvcUnit() as unit:
                now = monotonic()
                self._deliver(encoder, encoder.add_video(unit, event.timestamp, now=now))

    def _take_audio(self, event: MediaReceived) -> None:
        sound = flv.audio(event.body)
        if not isinstance(sound, flv.AacFrame) or self._transcoding is None:
            return
        if self._audio.full():
            self._audio.get_nowait()  # the transcoder is behind: newer sound matters more
        self._audio.put_nowait((sound.data, event.timestamp))

    async def _transcode(self, transcoder: AacToOpus) -> None:
        loop = asyncio.get_running_loop()
        while True:
            data, timestamp = await self._audio.get()
            packets = await loop.run_in_executor(
                self._listener.pool, transcoder.feed, data, timestamp
            )
            encoder = self._encoder
            if encoder is None:
                return
            for packet in packets:
                layer = encoder.add_audio(packet.data, packet.ticks, now=monotonic())
                self._deliver(encoder, layer)

    def _deliver(self, encoder: Encoder, layer: Layer | None) -> None:
        if layer is not None:
            self._listener.plane.deliver(self._room_id, encoder, layer)


def _plain(address: str) -> str:
    """Return the address of an IPv4 peer as such, though a socket of both families has it."""
    return address.removeprefix("::ffff:")
