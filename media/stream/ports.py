"""Roads in and out of a live: what a `Source` gives, and what a `FrameSink` takes.

Both are called on the event loop's thread; no call blocks or raises. `now` is monotonic seconds.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from media.stream.frames import Frame
from media.stream.layer import Layer
from media.wire.codec import Codec


class TrackFormat(NamedTuple):
    """What a source gives as one track: audio or video in one codec, in one layer or several."""

    codec: Codec
    rids: tuple[str, ...]  # of its layers (RFC 8852); ("",) where there is but one


class Source(Protocol):
    """A road into a live: a WebRTC host, an RTMP encoder, the cascade from another worker.

    The live makes the layers (`attach`), the source fills them, each in its own order and at its
    own time: what arrives as RTP goes through `Layer.receive`, which reorders it and has losses
    repaired; access units that arrive whole go through `Layer.add_frame`, cut into the RTP payloads
    that viewers get. After either, what drives the source calls `Lives.deliver`. A source never
    waits: a layer that it does not fill is silent, viewers go to another one, and where
    `last_media_at` stays behind for seconds the live is lost.
    """

    @property
    def id(self) -> str:
        """Names the source on this worker."""

    @property
    def tracks(self) -> Mapping[str, TrackFormat]:
        """What it gives, by kind; the same for its whole life."""

    @property
    def last_media_at(self) -> float:
        """When its newest packet or frame arrived; 0 before the first."""

    @property
    def round_trip_s(self) -> float:
        """The least that a request for a lost packet takes there and back; 0: nothing is lost."""

    def attach(self, layers: Mapping[str, Sequence[Layer]]) -> None:
        """Fill these from now on, by kind; called once, before anything arrives."""

    def send_feedback(self, *, now: float) -> None:
        """Send what is due: requests for the key frames of `Layer.keys`, NACKs, reports.

        Called about every 20 ms, and at once when a viewer needs a key frame. Delivery is not
        certain: what was not answered is due again.
        """

    def close(self) -> None:
        """The live goes on without it; idempotent."""


class FrameSink(Protocol):
    """A road out of a live: the WebRTC viewers, HLS, FLV, a recording, thumbnails, the cascade.

    A sink gets each frame of each layer exactly once, in the order of the layer, from the frame
    after its registration on; what came before is in `Layer.gop`. There are gaps where packets of
    the host were lost for good (`Frame` runs do not follow each other), and a new host's frames
    follow without a seam in numbers and times.

    A sink that is slow never holds up the live: `frame` returns at once. Each sink states what it
    does when it cannot keep up: drop up to the next key frame (which it asks for with
    `layer.keys.request`), conflate, or end itself.
    """

    def frame(self, layer: Layer, frame: Frame, *, now: float) -> None:
        """Take a frame; it does not change any more and may be kept."""

    def close(self) -> None:
        """The live is over, or the sink was removed: no frame comes any more; idempotent."""
