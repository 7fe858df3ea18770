"""Which worker takes a new live, or a viewer of a full worker's live: rules over workers' rows.

Connections are spread by chance, so hosts may meet on one worker while another has nothing to do. A
live stays on the worker that its host reached unless another one is clearly freer: a row is some
seconds old, and lives that begin in the same moment must not all go to the same worker.
"""

from collections.abc import Iterable

from server.ops.heartbeat import Beat
from server.worker import NODE_DIGITS

FREER_BY_CPU = 0.25
"""Of a core: how much less a worker of this node must use to be given a live."""
FREER_BY_CPU_ELSEWHERE = 0.5
"""The same for another node, whose way to the host may be longer."""


def place(here: str, beats: Iterable[Beat], *, accepts: bool) -> str:
    """Return the id of the worker that takes a new live.

    `here` is the worker that the host reached, which `accepts` newcomers or is full, or drains. It
    is returned, too, when none accepts any.
    """
    open_beats = {
        beat.worker: beat
        for beat in beats
        if beat.worker == here or not (beat.full or beat.draining)
    }
    own = open_beats.pop(here, None)
    if not open_beats:
        return here
    best = min(open_beats.values(), key=lambda beat: (_cost(here, beat), beat.worker))
    if not accepts:
        return best.worker
    own_cpu = own.cpu if own else 0.0
    return best.worker if own_cpu - _cost(here, best) >= FREER_BY_CPU else here


def place_viewer(here: str, room_id: str, beats: Iterable[Beat]) -> str:
    """Return the id of the worker that takes a viewer of a live at `here`, which is full.

    One that has viewers of the live already receives it anyway. `here`, if none accepts any.
    """
    free = [beat for beat in beats if beat.worker != here and not (beat.full or beat.draining)]
    best = min(
        free,
        key=lambda beat: (room_id not in beat.lives, _cost(here, beat), beat.worker),
        default=None,
    )
    return best.worker if best else here


def _cost(here: str, beat: Beat) -> float:
    if beat.worker[:NODE_DIGITS] == here[:NODE_DIGITS]:
        return beat.cpu
    return beat.cpu + FREER_BY_CPU_ELSEWHERE - FREER_BY_CPU
