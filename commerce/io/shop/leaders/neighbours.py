"""Who lives where, as a leader sees it: masked names, buildings and flats."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, select

from commerce.io.record.schema import guests
from commerce.io.record.schema_people import dwelling_claims, dwellings
from commerce.leaders.names import masked
from commerce.people.households import DwellingState

NOBODY = "—"


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A buyer of the own estate; building and flat are empty for who has named none."""

    name: str
    building: str
    flat: str
    confirmed: bool


UNKNOWN = Neighbour(NOBODY, "", "", False)


def neighbours_of(
    connection: Connection, guest_ids: Collection[str], estate_id: str
) -> dict[str, Neighbour]:
    """Return buyers by guest id: what they say of their flat, else that of their household."""
    ids = set(guest_ids)
    found = connection.execute(
        select(
            guests.c.id,
            guests.c.nickname,
            guests.c.household_id,
            dwelling_claims.c.building,
            dwelling_claims.c.flat,
            dwelling_claims.c.state,
        )
        .outerjoin(
            dwelling_claims,
            (dwelling_claims.c.guest_id == guests.c.id)
            & (dwelling_claims.c.estate_id == estate_id)
            & (dwelling_claims.c.state != DwellingState.REFUSED.value),
        )
        .where(guests.c.id.in_(ids))
    ).all()
    known = _flats(connection, {row.household_id for row in found if row.household_id}, estate_id)
    neighbours = {}
    for row in found:
        building, flat = row.building or "", row.flat or ""
        confirmed = row.state == DwellingState.CONFIRMED.value
        if not confirmed and row.household_id in known:
            building, flat = known[row.household_id]
            confirmed = True
        neighbours[row.id] = Neighbour(masked(row.nickname), building, flat, confirmed)
    return neighbours


def _flats(
    connection: Connection, household_ids: Collection[str], estate_id: str
) -> dict[str, tuple[str, str]]:
    if not household_ids:
        return {}
    rows = connection.execute(
        select(dwellings.c.household_id, dwellings.c.building, dwellings.c.flat)
        .where(dwellings.c.household_id.in_(household_ids), dwellings.c.estate_id == estate_id)
        .order_by(dwellings.c.building, dwellings.c.flat)
    )
    return {household_id: (building, flat) for household_id, building, flat in rows}
