"""Co-hosts of a room, in both kinds of record."""

import pytest
from sqlalchemy import text

from commerce.activities.moderation import COHOSTS_MAX
from commerce.catalogue.values import Live, LiveState
from commerce.errors import UnknownLink
from commerce.io.shop.activities.errors import TooManyCohosts
from tests.support.commerce_shop import running_shop, shop_plan


async def test_colleagues_help_from_the_invitation_to_the_end_of_the_live(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url, plan=shop_plan(5, target=9)) as shop:
        cohosts, settings = shop.commerce.moderation.cohosts, shop.commerce.moderation.settings
        first = await cohosts.invite("demo", actor="h1")
        await cohosts.accept("demo", first.token, "u2", "Mei")
        await cohosts.accept("demo", first.token, "u2", "Mei")
        for room_id, token, subject in (
            ("demo", first.token, "u3"),
            ("demo", "guess", "u3"),
            ("other", first.token, "u2"),
        ):
            with pytest.raises(UnknownLink):
                await cohosts.accept(room_id, token, subject, "An")
        assert (await settings.rules("demo")).cohosts == ("u2",)
        assert await cohosts.subjects("other") == frozenset()

        second = await cohosts.invite("demo", actor="h1")
        for _ in range(COHOSTS_MAX - 2):
            await cohosts.invite("demo", actor="h1")
        with pytest.raises(TooManyCohosts):
            await cohosts.invite("demo", actor="h1")
        version = (await settings.shown("demo")).version
        for cohost_id in (first.id, first.id, second.id):
            await cohosts.revoke("demo", cohost_id, actor="h1")
        assert await cohosts.subjects("demo") == frozenset()
        assert (await settings.shown("demo")).version > version
        with pytest.raises(UnknownLink):
            await cohosts.accept("demo", second.token, "u2", "Mei")

        third = await cohosts.invite("demo", actor="h1")
        await cohosts.accept("demo", third.token, "u2", "Mei")
        await shop.commerce.lives.set_live(Live("demo", LiveState.LIVE, 1, 1), "w1")
        assert await cohosts.subjects("demo") == {"u2"}
        await shop.commerce.lives.set_live(Live("demo", LiveState.OVER, 1, 1), "w1")
        assert await cohosts.listed("demo") == []
        await cohosts.invite("demo", actor="h1")
        await shop.commerce.lives.set_live(Live("demo", LiveState.OVER, 1, 1), "w1")
        assert len(await cohosts.listed("demo")) == 1

        async with shop.commerce.record.read() as connection:
            found = await connection.execute(
                text("SELECT actor, action FROM audit_entries WHERE subject = :id ORDER BY n"),
                {"id": third.id},
            )
            assert [tuple(row) for row in found] == [
                ("h1", "cohost.invite"),
                ("u2", "cohost.accept"),
                ("system", "cohost.revoke"),
            ]
