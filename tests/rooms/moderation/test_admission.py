"""A flood of new identities leaves a room readable, and costs what reading a number costs."""

import random
from collections import Counter

from rooms.moderation.admission import (
    ADDRESSES_MAX,
    FLOOD_HOLD_S,
    LINES_PER_S,
    Admission,
    Standing,
    standing_of,
)

BOTS = 500
NEIGHBOURS_PER_S = 3.0
WATCHED_S = 120


def evening(*, addresses: int, flood: bool = True) -> tuple[Counter[str], Counter[str], Admission]:
    """Two minutes of 3 neighbours' lines a second, and 500 bots with a line a second each.

    Return the lines that were written and admitted, by writer, and the admission.
    """
    dice, admission = random.Random(7), Admission()
    lines = [(dice.uniform(0, WATCHED_S), "old") for _ in range(int(NEIGHBOURS_PER_S * WATCHED_S))]
    if flood:
        lines += [(dice.uniform(0, WATCHED_S), "bot") for _ in range(BOTS * WATCHED_S)]
    written: Counter[str] = Counter()
    admitted: Counter[str] = Counter()
    for now, writer in sorted(lines):
        standing = Standing.OLD if writer == "old" else Standing.NEW
        address = f"a{dice.randrange(addresses)}" if writer == "bot" else "home"
        written[writer] += 1
        if admission.take(standing, address, now) == 0.0:
            admitted[writer] += 1
    return written, admitted, admission


def test_flood_from_many_addresses_hides_no_neighbour() -> None:
    written, admitted, admission = evening(addresses=BOTS)
    assert admitted["old"] == written["old"]
    assert admitted["old"] / admitted.total() > 0.6
    assert admission.refused_total > 0.99 * written["bot"]


def test_room_without_a_flood_admits_everybody() -> None:
    written, admitted, admission = evening(addresses=1, flood=False)
    assert admitted == written
    dice = random.Random(8)
    later = sorted(dice.uniform(200, 260) for _ in range(5 * 60))
    assert all(admission.take(Standing.NEW, f"b{now}", now) == 0.0 for now in later)


def test_new_identities_of_one_address_share_its_lines() -> None:
    admission = Admission()
    admitted = [admission.take(Standing.NEW, "nat", now / 4) == 0.0 for now in range(240)]
    assert 10 + 2 * 60 - 2 <= sum(admitted) <= 10 + 2 * 60 + 2


def test_flood_ends_a_minute_after_its_last_window() -> None:
    _, _, admission = evening(addresses=BOTS)
    assert admission.is_flooded(WATCHED_S)
    assert not admission.is_flooded(WATCHED_S + FLOOD_HOLD_S + 1)


def test_all_lines_of_guests_have_one_bound() -> None:
    admission = Admission()
    admitted = sum(admission.take(Standing.MEMBER, "", now / 100) == 0.0 for now in range(1_000))
    assert admitted <= LINES_PER_S[0] + LINES_PER_S[1] * 10


def test_addresses_kept_are_bounded() -> None:
    admission = Admission()
    for number in range(ADDRESSES_MAX + 10):
        admission._take_address(str(number), 0.0)
    assert len(admission._addresses) == ADDRESSES_MAX
    admission.prune(60.0)
    assert not admission._addresses


def test_standing_grows_with_age_and_a_household() -> None:
    assert standing_of(0, is_member=False) is Standing.NEW
    assert standing_of(3_600, is_member=False) is Standing.YOUNG
    assert standing_of(100_000, is_member=False) is Standing.OLD
    assert standing_of(0, is_member=True) is Standing.MEMBER
