"""Who watches one channel on this worker, as the other workers are to know it.

A person may be connected to several workers, and counts once. So workers that share a channel keep
its people in one place, each by a hash. What is reported is what changed; everybody again where it
is not certain that the others know. A worker that is alone with a channel reports nobody. Pure.
"""

from collections.abc import Collection
from hashlib import blake2b

from rooms.log import People, Tally

PEOPLE_AT_ONCE = 2_000
"""In one call, which keeps Redis busy for a few milliseconds."""
_HASH_BYTES = 8


class Presence:
    """Call `joined` and `left`; send what `report` returns, then call `reported` or `failed`."""

    __slots__ = ("_joined", "_known", "_left", "_shared")

    def __init__(self) -> None:
        self._joined: set[str] = set()  # since the last report
        self._left: set[str] = set()
        self._known = False  # the others know everybody up to the last report
        self._shared = False  # there are others

    def joined(self, person: str) -> None:
        """Somebody watches who did not."""
        if person in self._left:
            self._left.discard(person)
        else:
            self._joined.add(person)

    def left(self, person: str) -> None:
        """Somebody watches no longer."""
        if person in self._joined:
            self._joined.discard(person)
        else:
            self._left.add(person)

    def report(self, people: Collection[str]) -> list[People]:
        """Return what is to be sent, in this order; `people` are all who watch now."""
        joined, left = self._joined, self._left
        self._joined, self._left = set(), set()
        if not self._known:
            if not self._shared:
                return []
            joined, left = set(people), set()
        if self._known and not (joined or left):
            return []
        new, gone = [list(map(_hash, some)) for some in (joined, left)]
        parts = [
            (tuple(new[at : at + PEOPLE_AT_ONCE]), tuple(gone[at : at + PEOPLE_AT_ONCE]))
            for at in range(0, max(len(new), len(gone), 1), PEOPLE_AT_ONCE)
        ]
        return [People(not self._known and at == 0, *part) for at, part in enumerate(parts)]

    def reported(self, tally: Tally) -> None:
        """A report arrived, the last of several."""
        self._known, self._shared = tally.knows_people, tally.is_shared

    def failed(self) -> None:
        """It is not known whether a report arrived."""
        self._known = False


def _hash(person: str) -> bytes:
    return blake2b(person.encode(), digest_size=_HASH_BYTES).digest()
