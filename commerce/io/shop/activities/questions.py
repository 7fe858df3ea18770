"""Questions of neighbours in the record; they belong to one live."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from commerce.activities.questions import (
    OPEN_PER_HOUSEHOLD_MAX,
    QUESTION_CHARS_MAX,
    Question,
    answered,
    listed,
)
from commerce.activities.texts import key_of, text_of
from commerce.catalogue.values import LiveState
from commerce.errors import NotFound
from commerce.io.record.schema import guests, lives
from commerce.io.record.schema_activities import question_votes, questions
from commerce.io.shop.activities.errors import NotLive, TooManyQuestions
from commerce.io.shop.activities.news import Part, changed
from commerce.io.shop.context import ShopContext
from commerce.io.shop.households import Households

T = TypeVar("T")
_ON = (LiveState.LIVE.value, LiveState.PAUSED.value)
_IS_SHOWN = questions.c.hidden_at_ms.is_(None)


class Questions:
    """Asks, votes, answers and hides."""

    def __init__(
        self, shop: ShopContext, households: Households, new_id: Callable[[], str]
    ) -> None:
        self._shop = shop
        self._households = households
        self._new_id = new_id

    async def ask(self, room_id: str, guest_id: str, typed: str) -> str:
        """Put a question, or vote for the same one that is there; return its id.

        Raises:
            NotFound: There is no such room.
            InvalidField: The text is empty or too long.
            NotLive: There is no live to be asked.
            TooManyQuestions: The household has enough of them.
        """
        self._shop.catalogue.room(room_id)
        text = text_of(typed, QUESTION_CHARS_MAX, "text")
        id, at_ms, household_id = self._new_id(), self._shop.clock(), self._household(guest_id)

        def write(connection: Connection) -> str:
            started_at_ms = _live_since(connection, room_id)
            same = select(questions.c.id).where(
                questions.c.room_id == room_id,
                questions.c.live_started_at_ms == started_at_ms,
                questions.c.text_key == key_of(text),
            )
            known: str | None = connection.scalar(same)
            if known is None:
                _check_open(connection, room_id, started_at_ms, household_id)
                row = {
                    "id": id,
                    "room_id": room_id,
                    "live_started_at_ms": started_at_ms,
                    "guest_id": guest_id,
                    "text": text,
                    "text_key": key_of(text),
                    "asked_at_ms": at_ms,
                }
                connection.execute(insert(questions), row)
            _vote(connection, known or id, household_id)
            changed(connection, room_id, Part.QUESTIONS, at_ms)
            return known or id

        return await self._write(write)

    async def vote(self, room_id: str, question_id: str, guest_id: str) -> None:
        """Count the household's vote, once.

        Raises:
            NotFound: The room has no such question.
        """
        at_ms, household_id = self._shop.clock(), self._household(guest_id)

        def write(connection: Connection) -> None:
            _require(connection, room_id, question_id)
            if _vote(connection, question_id, household_id):
                changed(connection, room_id, Part.QUESTIONS, at_ms)

        await self._write(write)

    async def answer(self, room_id: str, question_id: str) -> None:
        """Mark a question as answered now; once.

        Raises:
            NotFound: The room has no such question.
        """
        await self._mark(room_id, question_id, "answered_at_ms", "")

    async def hide(self, room_id: str, question_id: str, *, actor: str) -> None:
        """Take a question away for everybody.

        Raises:
            NotFound: The room has no such question.
        """
        await self._mark(room_id, question_id, "hidden_at_ms", actor)

    async def voted(self, room_id: str, guest_id: str) -> list[str]:
        """The ids of the questions that a guest's household voted for."""
        which = (
            select(question_votes.c.question_id)
            .join(questions, questions.c.id == question_votes.c.question_id)
            .where(
                questions.c.room_id == room_id,
                question_votes.c.household_id == self._household(guest_id),
            )
            .order_by(questions.c.asked_at_ms.desc())
            .limit(100)
        )
        async with self._shop.record.read() as connection:
            return list(await connection.scalars(which))

    async def listed(self, room_id: str) -> tuple[Question, ...]:
        """The questions that a room lists."""
        async with self._shop.record.read() as connection:
            return await connection.run_sync(questions_of, room_id)

    async def answered(self, room_id: str, live_started_at_ms: int) -> tuple[Question, ...]:
        """What the host of a live answered, in the order of the answers."""
        async with self._shop.record.read() as connection:
            return answered(await connection.run_sync(_shown, room_id, live_started_at_ms))

    def _household(self, guest_id: str) -> str:
        return self._households.of(guest_id) or guest_id

    async def _mark(self, room_id: str, question_id: str, column: str, actor: str) -> None:
        at_ms = self._shop.clock()
        brand_id = self._shop.catalogue.brand_id("room", room_id)

        def write(connection: Connection) -> None:
            _require(connection, room_id, question_id)
            marked = connection.execute(
                update(questions)
                .where(questions.c.id == question_id, questions.c[column].is_(None))
                .values({column: at_ms})
            )
            if marked.rowcount:
                changed(connection, room_id, Part.QUESTIONS, at_ms)

        async with self._shop.record.write() as connection:
            await connection.run_sync(write)
            if actor:
                await self._shop.audit(
                    connection,
                    actor,
                    "question.hide",
                    question_id,
                    None,
                    {"room": room_id},  # without the words: the trail outlives who wrote them
                    at_ms,
                    brand_id=brand_id,
                )
        self._shop.on_commit()

    async def _write(self, write: Callable[[Connection], T]) -> T:
        for last in (False, True):
            try:
                async with self._shop.record.write() as connection:
                    done = await connection.run_sync(write)
                break
            except IntegrityError:  # the same was asked or voted for at the same moment
                if last:
                    raise
        self._shop.on_commit()
        return done


def questions_of(connection: Connection, room_id: str) -> tuple[Question, ...]:
    """The questions that a room lists: of its newest live."""
    started_at_ms = connection.scalar(
        select(lives.c.started_at_ms).where(lives.c.room_id == room_id)
    )
    return listed(_shown(connection, room_id, started_at_ms or 0))


def _shown(connection: Connection, room_id: str, live_started_at_ms: int) -> list[Question]:
    """The questions of a live that nobody hid."""
    votes = (
        select(func.count()).where(question_votes.c.question_id == questions.c.id).scalar_subquery()
    )
    rows = connection.execute(
        select(
            questions.c.id,
            questions.c.text,
            guests.c.nickname,
            votes.label("votes"),
            questions.c.asked_at_ms,
            questions.c.answered_at_ms,
        )
        .join(guests, guests.c.id == questions.c.guest_id)
        .where(
            questions.c.room_id == room_id,
            questions.c.live_started_at_ms == live_started_at_ms,
            _IS_SHOWN,
        )
    )
    return [Question(**row) for row in rows.mappings()]


def _live_since(connection: Connection, room_id: str) -> int:
    which = select(lives.c.started_at_ms).where(lives.c.room_id == room_id, lives.c.state.in_(_ON))
    started_at_ms: int | None = connection.scalar(which)
    if started_at_ms is None:
        raise NotLive(room_id)
    return started_at_ms


def _check_open(
    connection: Connection, room_id: str, started_at_ms: int, household_id: str
) -> None:
    """Raise where the household has put enough questions that wait for an answer."""
    own = func.coalesce(guests.c.household_id, guests.c.id) == household_id
    asked = (
        select(func.count())
        .select_from(questions.join(guests, guests.c.id == questions.c.guest_id))
        .where(
            questions.c.room_id == room_id,
            questions.c.live_started_at_ms == started_at_ms,
            questions.c.answered_at_ms.is_(None),
            own,
        )
    )
    if (connection.scalar(asked) or 0) >= OPEN_PER_HOUSEHOLD_MAX:
        raise TooManyQuestions(household_id)


def _require(connection: Connection, room_id: str, question_id: str) -> str:
    which = select(questions.c.text).where(
        questions.c.id == question_id, questions.c.room_id == room_id, _IS_SHOWN
    )
    text: str | None = connection.scalar(which)
    if text is None:
        raise NotFound("question", question_id)
    return text


def _vote(connection: Connection, question_id: str, household_id: str) -> bool:
    row = {"question_id": question_id, "household_id": household_id}
    same = [question_votes.c[name] == value for name, value in row.items()]
    if connection.scalar(select(question_votes.c.question_id).where(*same)):
        return False
    connection.execute(insert(question_votes), row)
    return True
