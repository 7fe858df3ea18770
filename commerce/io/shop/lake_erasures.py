"""What the lake is still to forget: pseudonyms of the erased, from their erasure to the vacuum.

The erasure destroys the key, so that nobody can tell whose rows these were. The lake's writer then
takes the pseudonym out of them, and removes older versions of its files once nobody may need them.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select, update

from commerce.io.record.schema_facts import lake_erasures, person_keys
from commerce.io.shop.context import ShopContext
from commerce.io.shop.facts import pseudonym_of

ERASURES_MAX = 500  # rewritten at once

_of = lake_erasures.c


def forget_in_the_lake(connection: Connection, subject_id: str, at_ms: int) -> None:
    """Destroy the key by which the lake knows somebody, for good, and have their rows rewritten."""
    mine = person_keys.c.subject_id == subject_id
    key = connection.scalar(select(person_keys.c.key).where(mine))
    connection.execute(delete(person_keys).where(mine))
    # Facts that come later make no new one.
    nobody = {"subject_id": subject_id, "key": "", "made_at_ms": at_ms}
    connection.execute(insert(person_keys), nobody)
    if key:
        erased = {"pseudonym": pseudonym_of(subject_id, key), "erased_at_ms": at_ms}
        connection.execute(insert(lake_erasures), erased)


class LakeErasures:
    """For the lake's writer; every step may be done again."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    async def pending(self) -> list[str]:
        """Return pseudonyms that are in the lake still, the oldest first."""
        waiting = select(_of.pseudonym).where(_of.rewritten_at_ms.is_(None))
        some = waiting.order_by(_of.erased_at_ms).limit(ERASURES_MAX)
        return await self._shop.record.query(lambda c: list(c.scalars(some)))

    async def rewritten(self, pseudonyms: Sequence[str]) -> None:
        """The newest version of the lake has them no more."""
        at_ms = self._shop.clock()
        these = update(lake_erasures).where(_of.pseudonym.in_(pseudonyms))
        await self._shop.record.transact(lambda c: c.execute(these.values(rewritten_at_ms=at_ms)))

    async def to_vacuum(self, before_ms: int) -> bool:
        """Whether older versions still have some that were rewritten before a time."""
        due = select(select(lake_erasures).where(_of.rewritten_at_ms < before_ms).exists())
        return bool(await self._shop.record.query(lambda c: c.scalar(due)))

    async def vacuumed(self, before_ms: int) -> None:
        """No version has those that were rewritten before a time: forget the pseudonyms here."""
        gone = delete(lake_erasures).where(_of.rewritten_at_ms < before_ms)
        await self._shop.record.transact(lambda c: c.execute(gone))
