"""PNGs that are drawn when they are first wanted, one at a time, and kept while they are wanted."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable

KEPT_MAX = 64  # of some 60 kB each
VERSION_CHARS = 16


def version_of(*shown: object) -> str:
    """Return the version of a drawing that shows these values; their `repr` says all of them."""
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:VERSION_CHARS]


class Drawings:
    """Drawings by their version: another content is another version."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        # Pillow's work on one takes some 100 ms.
        self._drawing = asyncio.Lock()

    async def png(self, version: str, draw: Callable[[], bytes]) -> bytes:
        """Return the drawing of a version; `draw` runs in a thread, and raises as it does there."""
        if version not in self._kept:
            async with self._drawing:
                if version not in self._kept:
                    self._kept[version] = await asyncio.to_thread(draw)
                    if len(self._kept) > KEPT_MAX:
                        self._kept.popitem(last=False)
        self._kept.move_to_end(version)
        return self._kept[version]
