"""Order in a room's chat, in both kinds of record."""

import pytest
from sqlalchemy import text

from commerce.activities.moderation import (
    FlagDecision,
    FlagKind,
    Line,
    RemovedSender,
    SanctionKind,
    Word,
)
from commerce.errors import InvalidField, NotFound
from tests.support.commerce_shop import Shop, running_shop, shop_plan
from tests.support.waiting import wait_until

LINE = Line("c-1", "g1", "Bo", "加微信", 1_700_000_000_000)


def _version(shop: Shop) -> int:
    shown = shop.feed.moderated.get("demo")
    return shown.version if shown else 0


async def test_room_keeps_its_order_and_shows_each_change(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url, plan=shop_plan(5, target=9)) as shop:
        moderation = shop.commerce.moderation
        settings, sanctions, lines = moderation.settings, moderation.sanctions, moderation.lines

        await settings.set("demo", 30, True, actor="h1")
        await settings.set_words("demo", [Word("vx", "hold"), Word("vx", "refuse")], actor="h1")
        await settings.add_moderator("demo", "g2", "Cai", actor="h1")
        mute = await sanctions.impose(
            "demo", SanctionKind.MUTE, "g1", "Bo", "广告", actor="g2", for_s=600, removes=True
        )
        rules = await settings.rules("demo")
        assert (rules.shown.slow_s, rules.shown.members_only) == (30, True)
        assert [(word.text, word.verdict) for word in rules.words] == [("vx", "refuse")]
        assert [each.subject for each in rules.moderators] == ["g2"]
        assert [(each.id, each.subject) for each in rules.sanctions] == [(mute.id, "g1")]
        assert rules.shown.removed_senders == (RemovedSender("g1", mute.made_at_ms),)

        await sanctions.appeal("demo", "g1", "It was a recipe")
        with pytest.raises(NotFound):
            await sanctions.appeal("demo", "g1", "Again")
        assert [each.appeal for each in await sanctions.holding("demo")] == ["It was a recipe"]
        await sanctions.lift("demo", mute.id, actor="h1")
        assert await sanctions.holding("demo") == []

        assert await lines.hold("demo", LINE)
        (held,) = await lines.waiting("demo")
        assert (held.kind, held.line) == (FlagKind.HELD, LINE)
        await lines.decide("demo", held.id, FlagDecision.SHOWN, actor="h1")
        with pytest.raises(NotFound):
            await lines.decide("demo", held.id, FlagDecision.REMOVED, actor="h1")
        reported = Line("c-2", "g1", "Bo", "no", 1_700_000_000_001)
        for neighbour in ("g3", "g3", "g4"):
            await lines.report("demo", reported, neighbour)
        (flag,) = await lines.waiting("demo")
        assert (flag.kind, flag.reports) == (FlagKind.REPORTED, 2)
        await lines.remove("demo", reported, actor="h1")
        assert await lines.waiting("demo") == []

        shown = await settings.shown("demo")
        assert shown.removed_lines == ("c-2",)
        await wait_until(lambda: _version(shop) == shown.version, what="the room's order")
        assert shop.feed.moderated["demo"] == shown
        await settings.remove_moderator("demo", "g2", actor="h1")
        async with shop.commerce.record.read() as connection:
            actions = set(await connection.scalars(text("SELECT action FROM audit_entries")))
        assert actions >= {
            *("chat.settings", "chat.words", "chat.moderator", "chat.mute", "chat.appeal"),
            *("chat.lift", "chat.shown", "chat.remove"),
        }

        with pytest.raises(InvalidField):
            await settings.set("demo", 301, False, actor="h1")
        with pytest.raises(InvalidField):
            await sanctions.impose("demo", SanctionKind.BAN, "g1", "Bo", " ", actor="h1")
        with pytest.raises(NotFound):
            await settings.rules("nowhere")
