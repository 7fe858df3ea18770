"""What a campaign may be."""

from dataclasses import replace

import pytest

from commerce.catalogue.values import Text
from commerce.coupons.campaigns import CampaignKind, NewCampaign, check, clean_code
from commerce.coupons.terms import Terms
from commerce.errors import InvalidField

pytestmark = pytest.mark.fast

GOOD = NewCampaign(Text("新", "New"), CampaignKind.ROOM, Terms(500), (), 1, 2, 3_600, 1_000)


@pytest.mark.parametrize(
    ("member", "wrong"),
    [
        ("amount_fen", replace(GOOD, terms=Terms())),
        ("amount_fen", replace(GOOD, terms=Terms(100, percent=5))),
        ("cap_fen", replace(GOOD, terms=Terms(percent=5))),
        ("percent", replace(GOOD, terms=Terms(percent=100, cap_fen=5))),
        ("budget_fen", replace(GOOD, budget_fen=499)),
        ("until_ms", replace(GOOD, until_ms=1)),
        ("valid_s", replace(GOOD, valid_s=59)),
        ("name.en", replace(GOOD, name=Text("新", ""))),
        ("code", replace(GOOD, code="SPRING")),
        ("code", replace(GOOD, kind=CampaignKind.CODE)),
        ("code", replace(GOOD, kind=CampaignKind.CODE, code="spring")),
    ],
)
def test_a_wrong_campaign_is_refused_by_the_name_of_its_member(
    member: str, wrong: NewCampaign
) -> None:
    check(GOOD)
    with pytest.raises(InvalidField) as refused:
        check(wrong)
    assert refused.value.member == member


def test_a_code_is_read_as_people_type_it() -> None:
    assert clean_code(" spring-26 ") == "SPRING26"
    assert clean_code("abc") == clean_code("福袋福袋") == clean_code("A" * 21) == ""
