"""By which channels a guest can be sent messages, and which of them the guest wants."""

from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from commerce.errors import InvalidField
from commerce.io.record.schema_notices import notice_preferences, push_subscriptions
from commerce.io.shop.context import ShopContext
from commerce.io.shop.sms_numbers import have_numbers
from commerce.io.shop.wechat_grants import have_granted
from commerce.notices.notices import (
    DEFAULT_PREFERENCES,
    FALLBACK_ORDER,
    NoticeChannel,
    NoticeKind,
    Preferences,
    carried,
)

HOURS = 24


class NoticePreferences:
    """What guests choose; `templates` are the kinds that may come by SMS."""

    def __init__(self, shop: ShopContext, templates: Collection[NoticeKind]) -> None:
        self._shop = shop
        self._templates = templates

    async def of(self, guest_id: str) -> Preferences:
        """Which messages a guest wants."""
        return await self._shop.record.query(
            lambda connection: preferences_of(connection, [guest_id]).get(
                guest_id, DEFAULT_PREFERENCES
            )
        )

    async def channels(self, guest_id: str) -> dict[NoticeChannel, frozenset[NoticeKind]]:
        """The channels that a guest has now, each with the kinds that it brings, in their order."""
        found = await self._shop.record.query(
            lambda connection: channels_of(connection, [guest_id], with_sms=True)
        )
        mine = found.get(guest_id, set())
        kinds = {
            channel: carried(channel, self._templates)
            for channel in FALLBACK_ORDER
            if channel in mine
        }
        return {channel: brings for channel, brings in kinds.items() if brings}

    async def set(self, guest_id: str, wanted: Preferences) -> None:
        """Write which messages a guest wants.

        Raises:
            InvalidField: Quiet hours are hours of a day; what is on the page cannot be muted.
        """
        for name in ("quiet_from_hour", "quiet_until_hour"):
            if not 0 <= getattr(wanted, name) < HOURS:
                raise InvalidField(name, "0 to 23")
        if not set(wanted.muted_by) <= set(FALLBACK_ORDER):
            raise InvalidField("muted_by", f"channels are {', '.join(FALLBACK_ORDER)}")
        values = {
            "muted": _sorted(wanted.muted),
            "muted_by": muted_by_values(wanted.muted_by),
            "quiet_from_hour": wanted.quiet_from_hour,
            "quiet_until_hour": wanted.quiet_until_hour,
        }

        def write(connection: Connection) -> None:
            new = insert_sqlite if connection.dialect.name == "sqlite" else insert_postgresql
            row = new(notice_preferences).values(guest_id=guest_id, **values)
            connection.execute(row.on_conflict_do_update(index_elements=["guest_id"], set_=values))

        await self._shop.record.transact(write)


def muted_by_values(
    muted_by: Mapping[NoticeChannel, frozenset[NoticeKind]],
) -> dict[str, list[str]]:
    """Return what channels do not bring as it is written, without channels that bring all."""
    return {channel.value: _sorted(kinds) for channel, kinds in sorted(muted_by.items()) if kinds}


def preferences_of(connection: Connection, guest_ids: Iterable[str]) -> dict[str, Preferences]:
    """Which messages these guests want, where they chose it."""
    which = notice_preferences.c.guest_id.in_(list(guest_ids))
    rows = connection.execute(select(notice_preferences).where(which))
    return {
        row.guest_id: Preferences(
            _kinds(row.muted),
            row.quiet_from_hour,
            row.quiet_until_hour,
            {NoticeChannel(channel): _kinds(kinds) for channel, kinds in row.muted_by.items()},
        )
        for row in rows
    }


def channels_of(
    connection: Connection, guest_ids: Iterable[str], *, with_sms: bool
) -> dict[str, set[NoticeChannel]]:
    """The channels of some guests: browsers, messages granted in WeChat, a number that is kept."""
    ids = list(guest_ids)
    browsers = select(push_subscriptions.c.guest_id).where(push_subscriptions.c.guest_id.in_(ids))
    have = {
        NoticeChannel.PUSH: set(connection.scalars(browsers)),
        NoticeChannel.WECHAT: have_granted(connection, ids),
        NoticeChannel.SMS: have_numbers(connection, ids) if with_sms else set(),
    }
    found: dict[str, set[NoticeChannel]] = {}
    for channel, guests in have.items():
        for guest_id in guests:
            found.setdefault(guest_id, set()).add(channel)
    return found


def _kinds(values: Iterable[str]) -> frozenset[NoticeKind]:
    return frozenset(NoticeKind(value) for value in values)


def _sorted(kinds: Iterable[NoticeKind]) -> list[str]:
    return sorted(kind.value for kind in kinds)
