"""Messages in WeChat that buyers have granted: asked for, kept, and used up one by one."""

import hashlib
import secrets
from collections.abc import Iterable

from sqlalchemy import Connection, delete, insert, select, update

from commerce.errors import UnknownLink
from commerce.io.record.schema_notices import wechat_grants
from commerce.io.shop.context import ShopContext
from commerce.notices.wechat import ASK_TTL_MS, Grant, WechatMessages, free_scene

NONCE_BYTES = 16
OPENID_CHARS_MAX = 64


class WechatGrants:
    """What a buyer's page asks WeChat for. `app` is None where there is no official account."""

    def __init__(self, shop: ShopContext, app: WechatMessages | None) -> None:
        self._shop = shop
        self._app = app

    @property
    def is_on(self) -> bool:
        """Whether there is an official account."""
        return self._app is not None

    async def granted(self, guest_id: str) -> int:
        """Return how many messages a guest has granted that were not sent yet."""
        return await self._shop.record.query(
            lambda connection: len(_scenes(connection, guest_id)),
        )

    async def ask(self, guest_id: str, language: str) -> str | None:
        """Return where a guest grants one more; None: no account, or all are granted."""
        app, nonce, at_ms = self._app, secrets.token_hex(NONCE_BYTES), self._shop.clock()
        if app is None:
            return None

        def write(connection: Connection) -> int | None:
            scene = free_scene(_scenes(connection, guest_id))
            if scene is None:
                return None
            of = (wechat_grants.c.guest_id == guest_id, wechat_grants.c.scene == scene)
            connection.execute(delete(wechat_grants).where(*of))
            row = {
                "guest_id": guest_id,
                "scene": scene,
                "nonce_hash": _hash(nonce),
                "openid": None,
                "language": language,
                "asked_at_ms": at_ms,
            }
            connection.execute(insert(wechat_grants), row)
            return scene

        scene = await self._shop.record.transact(write)
        return None if scene is None else app.ask_url(scene, nonce)

    async def take(self, nonce: str, scene: str, template_id: str, openid: str) -> None:
        """Keep what a buyer has granted, as WeChat's redirection says; once.

        Raises:
            UnknownLink: Nobody was asked so, or too long ago, or it was kept before.
        """
        if self._app is None or not self._app.is_ours(template_id):
            raise UnknownLink
        if not openid.isascii() or not 0 < len(openid) <= OPENID_CHARS_MAX or not scene.isdecimal():
            raise UnknownLink
        at_ms = self._shop.clock()

        def write(connection: Connection) -> int:
            return connection.execute(
                update(wechat_grants)
                .where(
                    wechat_grants.c.nonce_hash == _hash(nonce),
                    wechat_grants.c.scene == int(scene),
                    wechat_grants.c.openid.is_(None),
                    wechat_grants.c.asked_at_ms > at_ms - ASK_TTL_MS,
                )
                .values(openid=openid)
            ).rowcount

        if not await self._shop.record.transact(write):
            raise UnknownLink


def have_granted(connection: Connection, guest_ids: Iterable[str]) -> set[str]:
    """Those of some guests to whom a message in WeChat may be sent."""
    which = wechat_grants.c.guest_id.in_(list(guest_ids)), wechat_grants.c.openid.is_not(None)
    return set(connection.scalars(select(wechat_grants.c.guest_id).where(*which)))


def use_grant(connection: Connection, guest_id: str) -> Grant | None:
    """Take the oldest grant of a guest: nobody else sends by it."""
    row = connection.execute(
        select(wechat_grants)
        .where(wechat_grants.c.guest_id == guest_id, wechat_grants.c.openid.is_not(None))
        .order_by(wechat_grants.c.asked_at_ms, wechat_grants.c.scene)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()
    if row is None:
        return None
    of = (wechat_grants.c.guest_id == guest_id, wechat_grants.c.scene == row.scene)
    connection.execute(delete(wechat_grants).where(*of))
    return Grant(row.openid, row.scene, row.language)


def give_back(connection: Connection, guest_id: str, grant: Grant, at_ms: int) -> None:
    """Keep a grant that was not used; one of the same scene that came meanwhile is the same."""
    if grant.scene in _scenes(connection, guest_id):
        return
    of = (wechat_grants.c.guest_id == guest_id, wechat_grants.c.scene == grant.scene)
    connection.execute(delete(wechat_grants).where(*of))
    row = {
        "guest_id": guest_id,
        "scene": grant.scene,
        "nonce_hash": _hash(secrets.token_hex(NONCE_BYTES)),
        "openid": grant.openid,
        "language": grant.language,
        "asked_at_ms": at_ms,
    }
    connection.execute(insert(wechat_grants), row)


def _scenes(connection: Connection, guest_id: str) -> set[int]:
    which = wechat_grants.c.guest_id == guest_id, wechat_grants.c.openid.is_not(None)
    return set(connection.scalars(select(wechat_grants.c.scene).where(*which)))


def _hash(nonce: str) -> str:
    return hashlib.sha256(nonce.encode()).hexdigest()
