"""Where sound and video lie on one timeline: by the host's clocks, else by when they arrived.

The timeline's unit is a second; the video's first frame lies at `BASE_S`, so that what codecs put
in front (AAC: 1,024 samples) has a time that is not negative.
"""

BASE_S = 1.0


class Alignment:
    """Of one source. `seconds` are RTP ticks over the clock rate; `now` is monotonic."""

    def __init__(self) -> None:
        self._arrived: dict[str, float] = {}  # kind → the least of arrival minus seconds
        self._clocks: dict[str, float] = {}  # kind → the host's clock minus seconds
        self._base: float | None = None

    def on_arrival(self, kind: str, seconds: float, *, now: float) -> None:
        """Media of that time arrived; the fastest packets have the truth."""
        offset = now - seconds
        self._arrived[kind] = min(offset, self._arrived.get(kind, offset))

    def on_clock(self, kind: str, seconds: float, clock_s: float) -> None:
        """By a sender report it was `clock_s` at the host when this was captured."""
        self._clocks[kind] = clock_s - seconds

    def place_video(self, seconds: float, place_s: float) -> None:
        """Set the base so that this video lies at `place_s`."""
        self._base = seconds - place_s + BASE_S

    def video_s(self, seconds: float) -> float:
        """Return the place of video; the first call sets the base."""
        if self._base is None:
            self._base = seconds
        return seconds - self._base + BASE_S

    def audio_s(self, seconds: float) -> float | None:
        """Return the place of sound beside the video; None: there is no base yet.

        Without video, sound makes the base.
        """
        if "video" not in self._arrived:
            return self.video_s(seconds)
        if self._base is None:
            return None
        offsets = self._clocks if len(self._clocks) == 2 else self._arrived
        return seconds + offsets["audio"] - offsets["video"] - self._base + BASE_S
