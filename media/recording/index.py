"""The index of a recording: where each fragment lies, in which file, and when it was.

Lines of JSON, appended as the recording goes on; each fragment is a segment, whose line is written
before it, so that after a crash the files decide how far the index holds. Times on the recording's
own timeline are ticks of 90 kHz; it has no gaps: where the host was away it goes on at once.
"""

import base64
import bisect
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

HZ = 90_000
# Files begin with so much for the sound that codecs put in front (AAC: 1,024 samples).
PRIMING_S = 0.025
# How far wall clock and RTP time of an event may be apart for both to mean the same frame.
MEDIA_TIME_S_MAX = 10


class Epoch(NamedTuple):
    """One connection of the host with one set of parameter sets."""

    init: int  # place in `Index.inits`
    start: int  # ticks
    program_ms: int  # wall clock at `start`
    media_time: int | None  # RTP time of the video at `start`
    rid: str  # of the layer
    width: int
    height: int


class Chunk(NamedTuple):
    """A file of consecutive fragments."""

    name: str


class Init(NamedTuple):
    """An init segment (`ftyp` and `moov`)."""

    data: bytes


class Fragment(NamedTuple):
    """A segment: one `moof` and its `mdat`, with what stands in front of them."""

    offset: int  # in its chunk
    length: int
    start: int  # ticks
    duration: int
    key: bool  # begins with a key frame


Entry = Epoch | Chunk | Init | Fragment


class Placed(NamedTuple):
    """A fragment with its chunk and epoch, as places in the index."""

    fragment: Fragment
    chunk: int
    epoch: int

    @property
    def end(self) -> int:
        """Where the next one begins, in ticks."""
        return self.fragment.start + self.fragment.duration


def line_of(entry: Entry) -> bytes:
    """Return the line of an entry."""
    match entry:
        case Fragment():
            value: Any = [*entry[:4], int(entry.key)]
        case Chunk():
            value = {"chunk": entry.name}
        case Init():
            value = {"init": base64.b64encode(entry.data).decode()}
        case Epoch():
            value = {"epoch": entry._asdict()}
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


class Index:
    """What the lines of a recording add up to."""

    def __init__(self) -> None:
        self.inits: list[bytes] = []
        self.epochs: list[Epoch] = []
        self.chunks: list[str] = []
        self.fragments: list[Placed] = []

    @classmethod
    def parse(cls, text: bytes) -> "Index":
        """Read lines; a last one that is torn is left out.

        Raises:
            ValueError: They are no index.
        """
        index = cls()
        for line in text[: text.rfind(b"\n") + 1].splitlines():
            index.add(_entry(line))
        return index

    def add(self, entry: Entry) -> None:
        """Take one more entry."""
        match entry:
            case Fragment():
                if not self.chunks or not self.epochs:
                    raise ValueError("a fragment without chunk or epoch")
                place = Placed(entry, len(self.chunks) - 1, len(self.epochs) - 1)
                self.fragments.append(place)
            case Chunk():
                self.chunks.append(entry.name)
            case Init():
                self.inits.append(entry.data)
            case Epoch():
                if not 0 <= entry.init < len(self.inits):
                    raise ValueError("an epoch without its init segment")
                self.epochs.append(entry)

    def lines(self) -> Iterator[bytes]:
        """Return the lines that read as this index."""
        yield from (line_of(Init(data)) for data in self.inits)
        chunk = epoch = -1
        for placed in self.fragments:
            for number in range(chunk + 1, placed.chunk + 1):
                yield line_of(Chunk(self.chunks[number]))
            for number in range(epoch + 1, placed.epoch + 1):
                yield line_of(self.epochs[number])
            chunk, epoch = placed.chunk, placed.epoch
            yield line_of(placed.fragment)

    def kept(self, sizes: Mapping[str, int]) -> "Index":
        """Return the index of what lies within files of these sizes; other files are whole."""
        index = Index()
        index.inits, index.epochs, index.chunks = self.inits, self.epochs, self.chunks
        index.fragments = [
            placed
            for placed in self.fragments
            if placed.fragment.offset + placed.fragment.length
            <= sizes.get(self.chunks[placed.chunk], 1 << 62)
        ]
        return index

    @property
    def start(self) -> int:
        """Where the first frame lies, in ticks."""
        return self.fragments[0].fragment.start if self.fragments else 0

    @property
    def end(self) -> int:
        """Where the last frame ends, in ticks."""
        return self.fragments[-1].end if self.fragments else 0

    @property
    def duration_s(self) -> float:
        """How long it plays."""
        return (self.end - self.start) / HZ

    @property
    def end_at_ms(self) -> int:
        """The wall clock at the end of the last frame."""
        if not self.fragments:
            return 0
        epoch = self.epochs[self.fragments[-1].epoch]
        return epoch.program_ms + (self.end - epoch.start) * 1_000 // HZ

    @property
    def octets(self) -> int:
        """The bytes of all fragments."""
        return sum(placed.fragment.length for placed in self.fragments)

    def position_s(self, at_ms: int, media_time: int | None = None) -> float:
        """Return when a player shows what happened at a wall clock or RTP time, from 0 on.

        What happened while the host was away is shown where it left; nothing is before 0.
        """
        if not self.fragments:
            return 0.0
        number = bisect.bisect_right([epoch.program_ms for epoch in self.epochs], at_ms) - 1
        epoch = self.epochs[max(0, number)]
        ticks = epoch.start + (at_ms - epoch.program_ms) * HZ // 1_000
        if media_time is not None and epoch.media_time is not None:
            since = media_time - epoch.media_time & 0xFFFFFFFF
            since = since - (1 << 32) if since >= 1 << 31 else since
            if abs(epoch.start + since - ticks) <= MEDIA_TIME_S_MAX * HZ:
                ticks = epoch.start + since
        end = self.epochs[number + 1].start if 0 <= number < len(self.epochs) - 1 else self.end
        return (min(max(ticks, self.start), end) - self.start) / HZ

    def part(self, start_s: float, end_s: float) -> "Index":
        """Return the fragments from the one that has `start_s` up to the one that has `end_s`."""
        since, until = self.start + start_s * HZ, self.start + end_s * HZ
        index = Index()
        index.inits, index.epochs, index.chunks = self.inits, self.epochs, self.chunks
        index.fragments = [
            placed
            for placed in self.fragments
            if placed.end > since and placed.fragment.start < until
        ]
        return index

    def key_fragment(self, at_s: float) -> Placed | None:
        """Return the last fragment with a key frame that has begun by then, else the first."""
        until = self.start + at_s * HZ
        with_key = [placed for placed in self.fragments if placed.fragment.key]
        begun = [placed for placed in with_key if placed.fragment.start <= until]
        return begun[-1] if begun else next(iter(with_key), None)


def _entry(line: bytes) -> Entry:
    try:
        value = json.loads(line)
        if isinstance(value, list):
            offset, length, start, duration, key = map(int, value)
            return Fragment(offset, length, start, duration, bool(key))
        [(kind, content)] = value.items()
        match kind:
            case "chunk":
                return Chunk(str(content))
            case "init":
                return Init(base64.b64decode(content, validate=True))
            case "epoch":
                return Epoch(**content)
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"not a line of an index: {error}") from None
    raise ValueError("not a line of an index")
