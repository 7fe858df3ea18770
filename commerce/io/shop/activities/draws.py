"""Lucky bags in the record: opened and voided by hosts, entered by households."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from commerce.activities.draws import (
    ENTRIES_MAX,
    SEED_BYTES,
    Draw,
    DrawEntry,
    DrawState,
    DrawTerms,
    VoidReason,
    commitment_of,
    draw_terms,
)
from commerce.errors import InvalidField, NotEnoughUnits, NotFound
from commerce.io.gate.gates import Gates
from commerce.io.gate.keys import row
from commerce.io.record.draw_rows import (
    find_draw,
    newest_draws,
    shown_draw,
    terms_of,
    tickets_of,
)
from commerce.io.record.prizes import hold_prizes
from commerce.io.record.schema_draws import draw_entries, draw_seeds, draws
from commerce.io.shop.activities.draw_steps import DrawSteps, draws_due, sealed_for
from commerce.io.shop.activities.errors import (
    DrawClosed,
    DrawFull,
    DrawOpen,
    NotEntered,
    OtherEstate,
    WrongWord,
)
from commerce.io.shop.activities.news import Part, changed
from commerce.io.shop.context import ShopContext
from commerce.io.shop.households import Households
from commerce.io.shop.sealing import Sealer
from commerce.views import DrawView, draw_view

LISTED_MAX = 20
"""Draws of a room that are listed."""


@dataclass(frozen=True, slots=True)
class DrawRequest:
    """What a host wants drawn; see `DrawTerms`."""

    product_id: str
    winners: int
    duration_s: int
    word: str = ""
    estate_id: str = ""
    stay: bool = False


class Draws:
    """The draws of all rooms; a room has one at a time."""

    def __init__(
        self,
        shop: ShopContext,
        gates: Gates,
        households: Households,
        sealer: Sealer,
        new_id: Callable[[], str],
        random_hex: Callable[[int], str],
    ) -> None:
        self._shop = shop
        self._gates = gates
        self._households = households
        self._sealer = sealer
        self._new_id = new_id
        self._random_hex = random_hex
        self._steps = DrawSteps(shop, sealer)

    async def open(self, room_id: str, asked: DrawRequest, *, actor: str) -> Draw:
        """Open a draw: its prizes are set aside, its commitment is published.

        Raises:
            NotFound: No such room, product or estate.
            InvalidField: A term cannot be.
            NotEnoughUnits: The room's store has fewer.
            DrawOpen: Another one is not revealed yet.
        """
        catalogue, at_ms = self._shop.catalogue, self._shop.clock()
        store_id = catalogue.room(room_id).store_id
        terms = await self._terms(room_id, asked, at_ms)
        product = catalogue.product(terms.product_id)
        # What orders on their way hold is not in the record yet.
        [free] = await self._gates.of(catalogue.brand_id("room", room_id)).free(
            [row(product.id, store_id)]
        )
        if free < terms.winners:
            raise NotEnoughUnits(max(0, free))
        seed, draw_id = self._random_hex(SEED_BYTES), self._new_id()
        commitment = commitment_of(seed)
        sealed = self._sealer.seal(seed, sealed_for(draw_id))

        def write(connection: Connection) -> None:
            going_on = (DrawState.OPEN.value, DrawState.CLOSED.value)
            here = select(draws.c.id).where(draws.c.room_id == room_id, draws.c.state.in_(going_on))
            if other := connection.scalar(here):
                raise DrawOpen(other)
            values = _values(draw_id, terms, store_id, product.price_fen, commitment)
            connection.execute(insert(draws), values)
            connection.execute(insert(draw_seeds), {"draw_id": draw_id, "sealed": sealed})
            hold_prizes(connection, draw_id, product.id, store_id, terms.winners, actor, at_ms)
            changed(connection, room_id, Part.DRAW, at_ms)

        try:
            async with self._shop.record.write() as connection:
                await connection.run_sync(write)
                after: dict[str, object] = {
                    "product_id": product.id,
                    "winners": terms.winners,
                    "commitment": commitment,
                }
                brand_id = catalogue.brand_id("room", room_id)
                trail = (actor, "draw.open", draw_id, None, after, at_ms)
                await self._shop.audit(connection, *trail, brand_id=brand_id)
        except IntegrityError:
            raise DrawOpen(room_id) from None  # another host opened one at the same moment
        self._shop.on_commit()
        return Draw(draw_id, terms, DrawState.OPEN, commitment, 0)

    async def _terms(self, room_id: str, asked: DrawRequest, at_ms: int) -> DrawTerms:
        catalogue = self._shop.catalogue
        product = await self._shop.cache.product(asked.product_id)
        catalogue.require_one_brand(room_id, ("product", product.id))
        if product.parts:
            raise InvalidField("product_id", "a set cannot be drawn")
        if asked.estate_id and asked.estate_id not in {e.id for e in catalogue.estates_of(room_id)}:
            raise NotFound("estate", asked.estate_id)
        return draw_terms(
            room_id,
            product.id,
            asked.winners,
            asked.duration_s,
            at_ms,
            word=asked.word,
            estate_id=asked.estate_id,
            stay=asked.stay,
        )

    async def void(self, room_id: str, draw_id: str, *, actor: str) -> Draw:
        """End an open draw without winners; idempotent.

        Raises:
            NotFound: The room has no such draw.
            DrawClosed: Its entry list is closed already.
        """
        at_ms = self._shop.clock()

        def write(connection: Connection) -> tuple[Draw, bool]:
            _found(connection, room_id, draw_id)
            ended = self._steps.void(connection, draw_id, DrawState.OPEN, VoidReason.HOST, at_ms)
            found = _found(connection, room_id, draw_id)
            if found.state is not DrawState.VOID:
                raise DrawClosed(draw_id)
            return found, ended

        async with self._shop.record.write() as connection:
            draw, ended = await connection.run_sync(write)
            if ended:
                brand_id = self._shop.catalogue.brand_id("room", room_id)
                trail = (actor, "draw.void", draw_id, None, {"entries": draw.entries}, at_ms)
                await self._shop.audit(connection, *trail, brand_id=brand_id)
        self._shop.on_commit()
        return draw

    async def enter(
        self, room_id: str, draw_id: str, guest_id: str, estate_id: str, typed: str
    ) -> tuple[DrawEntry, bool]:
        """Enter a guest's household; return its entry, and whether it is new.

        Raises:
            NotFound: The room has no such draw.
            OtherEstate: The draw is for another estate.
            WrongWord: The comment is not the word.
            DrawClosed: Too late.
            DrawFull: It takes no more entries.
        """
        at_ms, ticket = self._shop.clock(), self._new_id()
        household_id = self._households.of(guest_id) or guest_id

        def write(connection: Connection) -> tuple[DrawEntry, bool]:
            found = _lock(connection, room_id, draw_id)
            if entry := _entry(connection, draw_id, household_id):
                return entry, False
            _check(found, estate_id, typed, at_ms)
            count = select(func.count()).where(draw_entries.c.draw_id == draw_id)
            if (connection.scalar(count) or 0) >= ENTRIES_MAX:
                raise DrawFull(draw_id)
            values = {
                "draw_id": draw_id,
                "household_id": household_id,
                "guest_id": guest_id,
                "ticket": ticket,
                "entered_at_ms": at_ms,
                "present_at_ms": at_ms,
            }
            connection.execute(insert(draw_entries), values)
            changed(connection, room_id, Part.DRAW, at_ms)
            return DrawEntry(draw_id, ticket, terms_of(found).counts(at_ms)), True

        try:
            async with self._shop.record.write() as connection:
                entered = await connection.run_sync(write)
        except IntegrityError:  # the household entered on another device at the same moment
            first = await self.entry(draw_id, guest_id)
            if first is None:
                raise
            return first, False
        self._shop.on_commit()
        return entered

    async def be_present(self, room_id: str, draw_id: str, guest_id: str) -> DrawEntry:
        """Note that a household is there; it counts in the last moments before the draw closes.

        Raises:
            NotFound: The room has no such draw.
            NotEntered: The household has no entry.
        """
        at_ms = self._shop.clock()
        household_id = self._households.of(guest_id) or guest_id

        def write(connection: Connection) -> DrawEntry:
            found = _lock(connection, room_id, draw_id)
            if found["state"] == DrawState.OPEN and terms_of(found).takes_presence(at_ms):
                connection.execute(
                    update(draw_entries)
                    .where(
                        draw_entries.c.draw_id == draw_id,
                        draw_entries.c.household_id == household_id,
                    )
                    .values(present_at_ms=at_ms)
                )
            entry = _entry(connection, draw_id, household_id)
            if entry is None:
                raise NotEntered(draw_id)
            return entry

        async with self._shop.record.write(durable=False) as connection:
            return await connection.run_sync(write)

    async def entry(self, draw_id: str, guest_id: str) -> DrawEntry | None:
        """The entry of a guest's household."""
        household_id = self._households.of(guest_id) or guest_id
        async with self._shop.record.read() as connection:
            return await connection.run_sync(_entry, draw_id, household_id)

    async def shown(self, room_id: str) -> Draw | None:
        """The draw that a room shows now."""
        async with self._shop.record.read() as connection:
            return await connection.run_sync(shown_draw, room_id, self._shop.clock())

    async def shown_view(self, room_id: str) -> DrawView | None:
        """The draw that a room shows now, with its prize."""
        draw = await self.shown(room_id)
        return await self.view(draw) if draw else None

    async def view(self, draw: Draw) -> DrawView:
        """A draw with its prize."""
        return draw_view(draw, await self._shop.cache.product(draw.terms.product_id))

    async def listed(self, room_id: str) -> list[DrawView]:
        """The newest draws of a room, newest first.

        Raises:
            NotFound: There is no such room.
        """
        self._shop.catalogue.room(room_id)
        async with self._shop.record.read() as connection:
            found = await connection.run_sync(newest_draws, room_id, LISTED_MAX)
        return [await self.view(draw) for draw in found]

    async def recount(self, room_id: str, draw_id: str) -> tuple[Draw, list[str]]:
        """A draw, with the tickets of its closed list.

        Raises:
            NotFound: The room has no such draw.
        """
        async with self._shop.record.read() as connection:
            draw = await connection.run_sync(_found, room_id, draw_id)
            return draw, await connection.run_sync(tickets_of, draw_id)

    def is_due(self, connection: Connection, at_ms: int) -> bool:
        """See `Chore`."""
        return bool(draws_due(connection, at_ms))

    async def step(self) -> None:
        """Close, reveal or void what is due; workers may do so at once."""
        await self._steps.step()


def _values(
    draw_id: str, terms: DrawTerms, store_id: str, value_fen: int, commitment: str
) -> dict[str, object]:
    return {
        "id": draw_id,
        "room_id": terms.room_id,
        "product_id": terms.product_id,
        "store_id": store_id,
        "winners": terms.winners,
        "word": terms.word,
        "estate_id": terms.estate_id or None,
        "stay": terms.stay,
        "value_fen": value_fen,
        "state": DrawState.OPEN.value,
        "commitment": commitment,
        "opened_at_ms": terms.opened_at_ms,
        "closes_at_ms": terms.closes_at_ms,
    }


def _found(connection: Connection, room_id: str, draw_id: str) -> Draw:
    draw = find_draw(connection, room_id, draw_id)
    if draw is None:
        raise NotFound("draw", draw_id)
    return draw


def _lock(connection: Connection, room_id: str, draw_id: str) -> RowMapping:
    """Read a draw that stays as it is until the transaction ends; entries share the lock."""
    which = select(draws).where(draws.c.id == draw_id, draws.c.room_id == room_id)
    found = connection.execute(which.with_for_update(read=True)).mappings().first()
    if found is None:
        raise NotFound("draw", draw_id)
    return found


def _check(found: RowMapping, estate_id: str, typed: str, at_ms: int) -> None:
    terms = terms_of(found)
    if found["state"] != DrawState.OPEN or not terms.takes_entries(at_ms):
        raise DrawClosed(found["id"])
    if terms.estate_id not in ("", estate_id):
        raise OtherEstate(terms.estate_id)
    if not terms.is_word(typed):
        raise WrongWord(terms.word)


def _entry(connection: Connection, draw_id: str, household_id: str) -> DrawEntry | None:
    found = (
        connection.execute(
            select(draws, draw_entries)
            .join(draws, draws.c.id == draw_entries.c.draw_id)
            .where(
                draw_entries.c.draw_id == draw_id,
                draw_entries.c.household_id == household_id,
            )
        )
        .mappings()
        .first()
    )
    if found is None:
        return None
    return DrawEntry(
        draw_id,
        found["ticket"],
        terms_of(found).counts(found["present_at_ms"]),
        found["place"],
        found["order_id"],
    )
