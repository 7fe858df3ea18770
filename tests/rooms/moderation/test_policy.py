"""Who may write what, and when."""

import pytest

from rooms.moderation.filters import ListedWord, Verdict, WordFilter
from rooms.moderation.policy import Policy, Ruling, Sanction, SanctionKind, Writer

NOW_MS = 1_000_000
BO = Writer("bo", address="a:1", device="d:1")
MUTE = Sanction("m", SanctionKind.MUTE, "Advertising", NOW_MS + 1)
BAN = Sanction("b", SanctionKind.BAN, "Threats")


@pytest.mark.parametrize("key", ["bo", "a:1", "d:1"])
def test_sanction_holds_by_identity_address_or_device_until_its_end(key: str) -> None:
    policy = Policy(sanctions={key: (MUTE,)})
    assert policy.rule(BO, "hello", 9.0, NOW_MS) is Ruling.MUTED
    assert policy.rule(BO, "hello", 9.0, NOW_MS + 1) is None
    assert policy.rule(Writer("cai"), "hello", 9.0, NOW_MS) is None


def test_ban_counts_before_a_mute() -> None:
    policy = Policy(sanctions={"bo": (MUTE,), "d:1": (BAN,)})
    assert policy.sanction(BO, NOW_MS) is BAN


def test_slow_mode_and_members_only_bind_guests() -> None:
    policy = Policy(slow_s=30, members_only=True)
    assert policy.rule(BO, "hello", 60.0, NOW_MS) is Ruling.MEMBERS_ONLY
    member = Writer("bo", is_member=True)
    assert policy.rule(member, "hello", 29.0, NOW_MS) is Ruling.SLOW
    assert policy.rule(member, "hello", 30.0, NOW_MS) is None


def test_listed_words_hold_or_refuse() -> None:
    words = [ListedWord("vx"), ListedWord("scam", Verdict.REFUSE)]
    policy = Policy(filter=WordFilter(words))
    assert policy.rule(BO, "my vx", 9.0, NOW_MS) is Ruling.HELD
    assert policy.rule(BO, "vx scam", 9.0, NOW_MS) is Ruling.REFUSED


def test_staff_and_moderators_are_bound_by_nothing() -> None:
    policy = Policy(
        slow_s=30,
        members_only=True,
        filter=WordFilter([ListedWord("vx")]),
        moderators=frozenset({"bo"}),
        sanctions={"bo": (BAN,), "h": (BAN,)},
    )
    assert policy.rule(BO, "vx", 0.0, NOW_MS) is None
    assert policy.rule(Writer("h", is_staff=True), "vx", 0.0, NOW_MS) is None
