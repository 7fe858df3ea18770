"""The program clock of a live, which all roads share: UTC by the first frame, then by the source.

A layer's RTP timestamps are the low 32 bits of the ticks since 1970 (`Timeline` begins there);
EXT-X-PROGRAM-DATE-TIME is the same clock as a date, and the `media_time` of an event the same at
90 kHz. So each of them follows from the others, on every road and in a recording.
web/src/lib/media/program-time.ts is the page's side of it. Pure.
"""

MEDIA_TIME_HZ = 90_000
_TURN = 1 << 32


def program_s(timestamp: int, clock_hz: int, near_s: float) -> float:
    """Return the program time (s since 1970) next to `near_s` that has this RTP timestamp."""
    near = round(near_s * clock_hz)
    ticks = near + ((timestamp - near + _TURN // 2) % _TURN) - _TURN // 2
    return ticks / clock_hz


def media_time(at_s: float) -> int:
    """Return the media time (90 kHz, 32 bits) of a program time."""
    return round(at_s * MEDIA_TIME_HZ) % _TURN
