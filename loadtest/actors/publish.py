"""`linli publish`: a host that stays on air, from a clip or the clock pattern.

It reconnects after every loss, waits while another host is on air (Retry-After), and stops on
SIGTERM, at the end of its clip, when the server refuses it, or for good when another host has taken
over its live: two that came back would end each other's sessions for ever.
"""

import asyncio
import contextlib
import random
import signal
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path

import structlog

from loadtest.clients.rtmp import SCHEMES, RtmpSession
from loadtest.clients.whip import WhipSession
from loadtest.errors import ClipError, NoAnswer, RequestRefused, TakenOver, TryLater
from loadtest.sources.clip import clip_audio, clip_video
from loadtest.sources.encoded import AmbienceSource, EncodedSource, PatternSource

BITRATE_BPS = 1_500_000
# Waits between attempts: doubled from first to last, with jitter between half and all of it.
RETRY_FIRST_S = 0.5
RETRY_LAST_S = 10.0
# A session that lasted so long starts the waits anew.
STABLE_S = 10.0
# Longest Retry-After that is followed.
RETRY_AFTER_MAX_S = 60.0
EXIT_REFUSED = 2
EXIT_CLIP = 3
EXIT_TAKEN_OVER = 4

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Programme:
    """What a host sends. Without a clip: the clock pattern and generated audio."""

    clip: Path | None = None
    copy: bool = False
    loop: bool = True
    bitrate_bps: int = BITRATE_BPS


class Backoff:
    """Exponential back-off with jitter."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._failures = 0

    def succeeded(self) -> None:
        """Start from the first wait again."""
        self._failures = 0

    def wait_s(self, asked_s: float | None = None) -> float:
        """Return how long to wait now; `asked_s` is the server's Retry-After."""
        if asked_s is not None:
            return min(asked_s, RETRY_AFTER_MAX_S) * self._rng.uniform(1.0, 1.2)
        longest: float = min(RETRY_FIRST_S * 2**self._failures, RETRY_LAST_S)
        self._failures += 1
        return longest * self._rng.uniform(0.5, 1.0)


async def publish(
    url: str,
    token: str,
    programme: Programme,
    *,
    on_air: Callable[[], None] = lambda: None,
    rng: random.Random | None = None,
) -> None:
    """Publish to the WHIP or RTMP address `url` until cancelled or the clip is over.

    Raises:
        RequestRefused: The server will not have this host (401, 403, 404, …).
        TakenOver: Another host publishes in its place.
        ClipError: The clip cannot be published.
    """
    backoff = Backoff(rng or random.Random())
    waiting_for: str | None = None
    while True:
        asked_s = None
        try:
            if await _once(url, token, programme, backoff, on_air):
                return
            waiting_for = None
        except TryLater as later:
            asked_s = later.retry_after_s
            if waiting_for != later.detail:
                log.info("waiting for Retry-After", why=later.detail)
            waiting_for = later.detail
        except NoAnswer as error:
            if waiting_for != str(error):
                log.warning("not on air, trying again", why=str(error))
            waiting_for = str(error)
        await asyncio.sleep(backoff.wait_s(asked_s))


async def _once(
    url: str, token: str, programme: Programme, backoff: Backoff, on_air: Callable[[], None]
) -> bool:
    """Hold one session; return whether the programme is over."""
    video, audio = await asyncio.to_thread(
        open_sources,
        programme.clip,
        copy=programme.copy,
        loop=programme.loop,
        bitrate_bps=programme.bitrate_bps,
    )
    is_rtmp = url.startswith(SCHEMES)
    async with (
        RtmpSession(url, video, audio) if is_rtmp else WhipSession(url, token, video, audio)
    ) as session:
        log.info("on air", to="RTMP" if is_rtmp else url)  # an RTMP address ends with its key
        on_air()
        loop = asyncio.get_running_loop()
        since = loop.time()
        why = await session.lost()
        if loop.time() - since >= STABLE_S:
            backoff.succeeded()
        log.info("off air", why=why)
        return session.over


def open_sources(
    clip: Path | None, *, copy: bool, loop: bool, bitrate_bps: int
) -> tuple[EncodedSource, EncodedSource]:
    """Return video and audio of `clip`, or the generated ones.

    Raises:
        ClipError: The file is missing, not media, or cannot be passed through unencoded.
    """
    if clip is None:
        return PatternSource(bitrate_bps), AmbienceSource()
    video = clip_video(clip, copy=copy, loop=loop, bitrate_bps=bitrate_bps)
    audio = clip_audio(clip, copy=copy, loop=loop)
    return video, audio or AmbienceSource(silent=True)


def publish_command(
    to: str, token: str, clip: Path | None, *, copy: bool = False, loop: bool = True
) -> int:
    """Run `linli publish` until SIGINT or SIGTERM; return the exit code."""
    return run_host(publish(to, token, Programme(clip, copy=copy, loop=loop)))


def run_host(publishing: Coroutine[None, None, None]) -> int:
    """Run it until SIGINT or SIGTERM; return the exit code."""
    try:
        asyncio.run(_until_signal(publishing))
    except RequestRefused as error:
        log.error("not on air", why=str(error))
        return EXIT_REFUSED
    except ClipError as error:
        log.error("not on air", why=str(error))
        return EXIT_CLIP
    except TakenOver as error:
        log.error("off air", why=str(error))
        return EXIT_TAKEN_OVER
    return 0


async def _until_signal(publishing: Coroutine[None, None, None]) -> None:
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(publishing)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
