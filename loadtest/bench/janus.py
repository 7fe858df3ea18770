"""`linli bench janus`: the load of `bench relay` on Debian's Janus, as a yardstick beside ours.

Janus gets the same clip as plain RTP over loopback, into a mountpoint of its Streaming plugin,
and sends it to the same light viewers. It is ICE-lite like our server. As always with this plugin
it offers; the viewer answers and is the DTLS client.
"""

import asyncio
import contextlib
import os
import shutil
import socket
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
from aiortc.codecs.base import Encoder
from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.opus import OpusEncoder
from aiortc.rtp import RtpPacket
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from loadtest.actors.publish import open_sources
from loadtest.bench.clip import make_clip
from loadtest.bench.relay import fill, watch
from loadtest.clients.ice import (
    H264_PAYLOAD_TYPE,
    OPUS_PAYLOAD_TYPE,
    Remote,
    answer_to,
    parse_answer,
)
from loadtest.clients.whep import Crowd
from loadtest.errors import NoAnswer, RequestRefused
from loadtest.measure.report import Report
from loadtest.measure.rig import POLL_S, SERVER_CORE, Rig, RigFailed, free_port, program, workplace
from loadtest.sources.tracks import Pace, PacedTrack

MOUNTPOINT = 1
# One media thread for all viewers: a thread for each, the default, costs twice as much on one core.
EVENT_LOOPS = 1
START_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 10.0
_PLUGINS = (
    "audiobridge duktape echotest lua nosip recordplay sip textroom videocall videoroom voicemail"
)
_TRANSPORTS = "http mqtt nanomsg pfunix rabbitmq"


@dataclass(frozen=True, slots=True)
class JanusPlan:
    """How much to measure."""

    viewers: int
    runs: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Ports:
    """Where Janus listens, on 127.0.0.1."""

    api: int
    video: int
    audio: int


async def bench_janus(report: Report, plan: JanusPlan) -> None:
    """Fill `report`.

    Raises:
        LoadError: Janus is not installed, or did not start, or refused a viewer.
    """
    executable = shutil.which("janus")
    if executable is None:
        raise RigFailed("there is no `janus` on the PATH; on Debian it is the apt package janus")
    report.notes.append(
        f"Janus: Streaming plugin, RTP mountpoint, ICE-lite, event_loops = {EVENT_LOOPS}."
    )
    tcp, udp = socket.SOCK_STREAM, socket.SOCK_DGRAM
    ports = Ports(free_port(tcp), free_port(udp), free_port(udp))
    async with workplace() as folder:
        clip = folder / "clip.mkv"
        await asyncio.to_thread(make_clip, clip)
        _write_config(folder, ports)
        command = [executable, "-F", str(folder), "-C", str(folder / "janus.jcfg")]
        async with program(command, os.environ, SERVER_CORE, folder / "server.log") as running:
            server = Rig(folder, running, ports.api)
            signalling = await _ready(server, running, ports)
            async with feed(clip, ports), Crowd(signalling) as crowd:
                await fill(crowd, plan.viewers)
                await watch(report, server, crowd, plan.runs, plan.seconds)
                await crowd.leave_all()
    report.finish()


class JanusSignalling:
    """Janus's WebSocket API: one session, a handle for each viewer. See whep.Signalling."""

    def __init__(self, socket_: ClientConnection) -> None:
        self.host = "127.0.0.1"
        self._socket = socket_
        self._session = 0
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._numbers = count()
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, port: int) -> "JanusSignalling":
        """Connect and create the session.

        Raises:
            OSError: Nobody listens yet.
            NoAnswer, RequestRefused: See `_ask`.
        """
        url = f"ws://127.0.0.1:{port}"
        self = cls(await connect(url, subprotocols=["janus-protocol"], proxy=None))  # type: ignore[list-item]
        self._session = (await self._ask("create"))["data"]["id"]
        return self

    async def enter(self, ufrag: str, password: str, fingerprint: str) -> tuple[Remote, str]:
        """Attach, watch, answer Janus's offer, start."""
        attached = await self._ask("attach", plugin="janus.plugin.streaming")
        handle = attached["data"]["id"]
        watched = {"request": "watch", "id": MOUNTPOINT}
        offer = (await self._ask("message", handle_id=handle, body=watched))["jsep"]["sdp"]
        answer = {"type": "answer", "sdp": answer_to(offer, ufrag, password, fingerprint)}
        start = {"request": "start"}
        await self._ask("message", handle_id=handle, body=start, jsep=answer)
        # Its extensions are not taken.
        return replace(parse_answer(offer), wants_transport_feedback=False), str(handle)

    async def leave(self, name: str) -> None:
        """Detach the handle."""
        await self._ask("detach", handle_id=int(name))

    async def close(self) -> None:
        """Close the connection; Janus then ends the session."""
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        await self._socket.close()

    async def _ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Send one request and return its final response, not its "ack".

        Raises:
            NoAnswer: Janus is gone or silent.
            RequestRefused: It, or its plugin, answered with an error.
        """
        transaction = str(next(self._numbers))
        request = {"janus": kind, "transaction": transaction, **fields}
        if self._session:
            request["session_id"] = self._session
        future = asyncio.get_running_loop().create_future()
        self._waiting[transaction] = future
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await self._socket.send(msgspec.json.encode(request).decode())
                answer: dict[str, Any] = await future
        except (TimeoutError, ConnectionClosed):
            raise NoAnswer(f"Janus did not answer {kind}") from None
        finally:
            del self._waiting[transaction]
        if error := answer.get("error"):
            raise RequestRefused(error["code"], error["reason"])
        data = answer.get("plugindata", {}).get("data", {})
        if "error_code" in data:
            raise RequestRefused(data["error_code"], data["error"])
        return answer

    async def _read(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for text in self._socket:
                message = msgspec.json.decode(text)
                waiting = self._waiting.get(message.get("transaction", ""))
                if waiting and not waiting.done() and message["janus"] != "ack":
                    waiting.set_result(message)


@contextlib.asynccontextmanager
async def feed(clip: Path, ports: Ports) -> AsyncIterator[None]:
    """Send `clip`, passed through in a loop, to the mountpoint until left."""
    video, audio = await asyncio.to_thread(open_sources, clip, copy=True, loop=True, bitrate_bps=0)
    pace = Pace()
    with contextlib.closing(video), contextlib.closing(audio), ThreadPoolExecutor(1) as pool:
        video_out = PacedTrack("video", video, pace, pool)
        audio_out = PacedTrack("audio", audio, pace, pool)
        async with asyncio.TaskGroup() as tasks:
            senders = [
                tasks.create_task(_send(video_out, H264Encoder(), H264_PAYLOAD_TYPE, ports.video)),
                tasks.create_task(_send(audio_out, OpusEncoder(), OPUS_PAYLOAD_TYPE, ports.audio)),
            ]
            try:
                yield
            finally:
                for sender in senders:
                    sender.cancel()


async def _send(track: PacedTrack, encoder: Encoder, payload_type: int, port: int) -> None:
    numbers = count()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.connect(("127.0.0.1", port))
        while True:
            payloads, timestamp = encoder.pack(await track.recv())
            for left, payload in zip(range(len(payloads) - 1, -1, -1), payloads, strict=True):
                packet = RtpPacket(
                    payload_type=payload_type,
                    marker=int(track.kind == "video" and left == 0),
                    sequence_number=next(numbers) & 0xFFFF,
                    timestamp=timestamp & 0xFFFFFFFF,
                    ssrc=payload_type,
                    payload=payload,
                )
                with contextlib.suppress(OSError):  # nobody listens any more
                    out.send(packet.serialize())


async def _ready(server: Rig, running: asyncio.subprocess.Process, ports: Ports) -> JanusSignalling:
    deadline = time.monotonic() + START_TIMEOUT_S
    while running.returncode is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            return await JanusSignalling.open(ports.api)
        await asyncio.sleep(POLL_S)
    raise RigFailed(f"janus did not start:\n{server.log_tail()}")


def _write_config(folder: Path, ports: Ports) -> None:
    """Write what Janus reads. ICE passes over loopback: media use an address of this machine."""
    plugins = ",".join(f"libjanus_{name}.so" for name in _PLUGINS.split())
    transports = ",".join(f"libjanus_{name}.so" for name in _TRANSPORTS.split())
    (folder / "janus.jcfg").write_text(f"""
general: {{ debug_level = 3, session_timeout = 0, event_loops = {EVENT_LOOPS} }}
nat: {{ ice_lite = true }}
plugins: {{ disable = "{plugins}" }}
transports: {{ disable = "{transports}" }}
""")
    (folder / "janus.transport.websockets.jcfg").write_text(
        f'general: {{ ws = true, ws_ip = "127.0.0.1", ws_port = {ports.api}, wss = false }}\n'
    )
    (folder / "janus.plugin.streaming.jcfg").write_text(f"""
bench: {{
    type = "rtp", id = {MOUNTPOINT}, audio = true, video = true
    audioport = {ports.audio}, audioiface = "127.0.0.1"
    audiopt = {OPUS_PAYLOAD_TYPE}, audiocodec = "opus"
    videoport = {ports.video}, videoiface = "127.0.0.1"
    videopt = {H264_PAYLOAD_TYPE}, videocodec = "h264"
    videofmtp = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"
}}
""")
