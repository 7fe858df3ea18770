"""Of all copies of a notice the one is shown that came furthest."""

import itertools

import pytest

from commerce.notices.copies import Copy, furthest
from commerce.notices.notices import NoticeChannel as C
from commerce.notices.notices import NoticeState as S

NEAR_TO_FAR: list[Copy] = [
    (C.PAGE, S.WAITING),
    (C.PUSH, S.FAILED),
    (C.PUSH, S.WAITING),
    (C.SMS, S.SENT),
    (C.PAGE, S.SEEN),
]


@pytest.mark.parametrize(("near", "far"), list(itertools.combinations(NEAR_TO_FAR, 2)))
def test_what_came_further_is_shown_whichever_comes_first(near: Copy, far: Copy) -> None:
    assert furthest([near, far]) == furthest([far, near]) == far


def test_one_who_has_seen_it_is_enough() -> None:
    assert furthest([(C.PUSH, S.FAILED), (C.PUSH, S.SEEN), (C.PAGE, S.WAITING)])[1] is S.SEEN
