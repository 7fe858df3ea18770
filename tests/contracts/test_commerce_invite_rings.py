"""Rings and farms of invites, judged by what the record knows of the last 30 days."""

from sqlalchemy import text

from commerce.groups.invites import INVITER_JOINS_MAX, PAIR_JOINS_MAX, JoinRefusal
from commerce.groups.terms import AskedTerms, Award
from commerce.views import OrderView
from tests.support.commerce_shop import Shop, running_shop, shop_plan

DAY_MS = 86_400_000
GROUPS = """
    INSERT INTO buying_groups (id, room_id, estate_id, product_id, price_fen, target, joined, state,
        opened_at_ms, ends_at_ms)
    SELECT :name, room_id, estate_id, product_id, price_fen, target, 0, 'expired', 0, 0
    FROM buying_groups LIMIT 1
"""
INVITES = """
    INSERT INTO invites (id, group_id, household_id, guest_id, made_at_ms)
    VALUES (:name, :name, :inviter, :inviter, 0)
"""
JOINS = """
    INSERT INTO invite_joins (group_id, guest_id, invite_id, state, household_id, followed_at_ms,
        judged_at_ms)
    VALUES (:name, :joined, :name, 'counted', :joined, 0, :at_ms)
"""


async def brought(shop: Shop, inviter: str, joined: str, times: int, *, days_ago: int = 1) -> None:
    """An inviter has brought somebody to earlier groups."""
    at_ms = shop.clock() - days_ago * DAY_MS
    async with shop.commerce.record.write() as connection:
        for number in range(times):
            row = {"name": f"{inviter}-{joined}-{number}", "inviter": inviter, "joined": joined}
            for statement in (GROUPS, INVITES, JOINS):
                await connection.execute(text(statement), {**row, "at_ms": at_ms})


async def test_rings_pairs_farms_and_crowds_of_one_address_do_not_count(
    sqlite_url: str, valkey_url: str
) -> None:
    async with running_shop(sqlite_url, valkey_url, plan=shop_plan(target=30)) as shop:
        people, invites = shop.commerce.people, shop.commerce.invites
        names = ("安", "环", "旧", "熟", "邻一", "邻二", "邻三", "多")
        ids = {name: (await people.add_guest(name, "e1")).guest.id for name in names}
        await shop.commerce.groups.pin("demo", "pear", None, terms=AskedTerms(award=Award(9, 50)))

        async def join(name: str) -> OrderView:
            order = await shop.commerce.orders.place(shop.tap(ids[name], "pear"))
            assert isinstance(order, OrderView)
            return order

        group_id = str((await join("安")).group_id)
        link = (await invites.make(group_id, ids["安"], "device-安")).code
        for name in names[1:]:
            address = "one address" if name.startswith("邻") else f"address of {name}"
            await invites.follow(link, ids[name], f"device-{name}", address)
        await brought(shop, ids["环"], ids["安"], 1)
        await brought(shop, ids["旧"], ids["安"], 1, days_ago=31)
        await brought(shop, ids["安"], ids["熟"], PAIR_JOINS_MAX)
        for name in names[1:-1]:
            await join(name)
        await invites.judge()
        mine = await invites.mine(group_id, ids["安"])
        assert len(mine.counted) == 3  # the ring of long ago, and two of the address
        await brought(shop, ids["安"], ids["旧"], INVITER_JOINS_MAX - PAIR_JOINS_MAX - 3)
        await join("多")
        await invites.judge()
        refused = [JoinRefusal(one.reason) for one in await invites.refused("b")]
        assert sorted(refused) == sorted(
            (
                JoinRefusal.RING,
                JoinRefusal.SAME_PAIR,
                JoinRefusal.SAME_ADDRESS,
                JoinRefusal.TOO_MANY,
            )
        )
