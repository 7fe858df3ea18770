"""Lives from their beginning to their end in the record, and the summary of one."""

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from commerce.errors import NotFound
from commerce.io.record.schema import orders
from commerce.io.record.schema_activities import question_votes, questions
from commerce.io.record.schema_lives import live_runs
from commerce.io.shop.context import ShopContext
from commerce.lives.summary import LiveRun, LiveSummary, SoldOrder, noted, summary_of
from commerce.orders.states import UNDONE_VALUES

QUESTIONS_MAX = 20


class LiveRuns:
    """Notes the audience of lives, and sums lives up."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    async def note_viewers(
        self, room_id: str, started_at_ms: int, viewers: int, viewer_s: int, *, at_ms: int
    ) -> None:
        """Note how many watched a live at most before `at_ms`, and for how long in all.

        What was seen when the live was over already is none of its audience.
        """

        def write(connection: Connection) -> None:
            run = _run(connection, room_id, started_at_ms)
            if run is None or (run.ended_at_ms is not None and at_ms > run.ended_at_ms):
                return
            after = noted(run, viewers, viewer_s, at_ms=at_ms)
            connection.execute(
                update(live_runs)
                .where(live_runs.c.room_id == room_id, live_runs.c.started_at_ms == started_at_ms)
                .values(
                    viewers_max=after.viewers_max,
                    viewer_s=after.viewer_s,
                    viewers_by_minute=list(after.viewers_by_minute),
                )
            )

        await self._shop.record.transact(write, durable=False)

    async def summary(self, room_id: str, started_at_ms: int | None = None) -> LiveSummary:
        """Sum up a live of a room, the newest by default; of one on air, up to now.

        Raises:
            NotFound: There is no such room, or it had no such live.
        """
        self._shop.catalogue.room(room_id)
        at_ms = self._shop.clock()

        def read(connection: Connection) -> LiveSummary:
            run = _run(connection, room_id, started_at_ms)
            if run is None:
                raise NotFound("live", str(started_at_ms or room_id))
            ended_at_ms = at_ms if run.ended_at_ms is None else run.ended_at_ms
            sold = _sold(connection, room_id, run.started_at_ms, ended_at_ms)
            asked = _open_questions(connection, room_id, run.started_at_ms)
            return summary_of(run, sold, asked, now_ms=at_ms)

        return await self._shop.record.query(read)


def note_run(
    connection: Connection, room_id: str, started_at_ms: int, *, over: bool, at_ms: int
) -> None:
    """Note that a live has begun, or that it is over; idempotent."""
    which = (live_runs.c.room_id == room_id, live_runs.c.started_at_ms == started_at_ms)
    run = _run(connection, room_id, started_at_ms)
    if run is None:
        row = {
            "room_id": room_id,
            "started_at_ms": started_at_ms,
            "ended_at_ms": at_ms if over else None,
            "viewers_max": 0,
            "viewer_s": 0,
            "viewers_by_minute": [],
        }
        connection.execute(insert(live_runs), row)
    elif over and run.ended_at_ms is None:
        connection.execute(update(live_runs).where(*which).values(ended_at_ms=at_ms))
    elif not over and run.ended_at_ms is not None:
        connection.execute(update(live_runs).where(*which).values(ended_at_ms=None))


def _run(connection: Connection, room_id: str, started_at_ms: int | None) -> LiveRun | None:
    which = select(live_runs).where(live_runs.c.room_id == room_id)
    if started_at_ms is not None:
        which = which.where(live_runs.c.started_at_ms == started_at_ms)
    newest = which.order_by(live_runs.c.started_at_ms.desc()).limit(1)
    row = connection.execute(newest).mappings().first()
    return None if row is None else _live_run(row)


def _live_run(row: RowMapping) -> LiveRun:
    return LiveRun(
        row["room_id"],
        row["started_at_ms"],
        row["ended_at_ms"],
        row["viewers_max"],
        row["viewer_s"],
        tuple(row["viewers_by_minute"]),
    )


def _sold(
    connection: Connection, room_id: str, started_at_ms: int, ended_at_ms: int
) -> list[SoldOrder]:
    rows = connection.execute(
        select(
            orders.c.created_at_ms,
            func.coalesce(orders.c.household_id, orders.c.guest_id),
            orders.c.total_fen,
            orders.c.quantity,
        ).where(
            orders.c.room_id == room_id,
            orders.c.created_at_ms.between(started_at_ms, ended_at_ms),
            orders.c.state.not_in(UNDONE_VALUES),
        )
    )
    return [SoldOrder(*row) for row in rows]


def _open_questions(connection: Connection, room_id: str, started_at_ms: int) -> list[str]:
    """What nobody answered, the most wanted first."""
    votes = func.count(question_votes.c.household_id)
    rows = connection.execute(
        select(questions.c.text)
        .outerjoin(question_votes, question_votes.c.question_id == questions.c.id)
        .where(
            questions.c.room_id == room_id,
            questions.c.live_started_at_ms == started_at_ms,
            questions.c.answered_at_ms.is_(None),
            questions.c.hidden_at_ms.is_(None),
        )
        .group_by(questions.c.id, questions.c.text, questions.c.asked_at_ms)
        .order_by(votes.desc(), questions.c.asked_at_ms)
        .limit(QUESTIONS_MAX)
    )
    return list(rows.scalars())
