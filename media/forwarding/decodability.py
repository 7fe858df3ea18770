"""Whether viewers can decode what a source sends, and if not, why. Pure."""

from collections.abc import Sequence
from enum import StrEnum

from media.stream.layer import Layer
from media.stream.ports import Source

UNDECODABLE_AFTER_S = 3.0


class Undecodable(StrEnum):
    """Why no viewer can decode the video of a source, whose media arrives, by WebRTC."""

    NO_VIDEO = "no-video"  # only sound, or packets of a payload type that was not negotiated
    NO_KEY_FRAME = "no-key-frame"  # to start from
    NO_PARAMETER_SETS = "no-parameter-sets"  # of H.264, neither in the SDP nor in the stream
    B_FRAMES = "b-frames"  # which players of HLS and FLV show, and browsers by WebRTC do not


class Decodability:
    """Call `check` about once a second; `problem` is what has been wrong for so long."""

    def __init__(self) -> None:
        self.problem: Undecodable | None = None
        self._source: Source | None = None
        self._since: float | None = None  # media arrives, and its video cannot be decoded

    def check(self, source: Source | None, video: Sequence[Layer], *, now: float) -> None:
        """`video`: the layers that the source fills."""
        if source is not self._source:
            self._source, self._since = source, None
        received = [layer for layer in video if now - layer.received_at < UNDECODABLE_AFTER_S]
        arrives = (
            source is not None
            and source.last_media_at > 0
            and now - source.last_media_at < UNDECODABLE_AFTER_S
        )
        if not arrives or any(layer.can_start for layer in received):
            self._since = self.problem = None
            if arrives and any(layer.reorders for layer in received):
                self.problem = Undecodable.B_FRAMES
            return
        if self._since is None:
            self._since = now
        if now - self._since < UNDECODABLE_AFTER_S:
            self.problem = None
        elif not received:
            self.problem = Undecodable.NO_VIDEO
        elif all(layer.waits_for_key for layer in received):
            self.problem = Undecodable.NO_KEY_FRAME
        else:
            self.problem = Undecodable.NO_PARAMETER_SETS
