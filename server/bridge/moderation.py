"""Joins the record of commerce and the chat's rules: the policy of each room, and who wrote whence.

Addresses and devices are never kept: only hashes of them, keyed with the installation's secret.
"""

import hashlib
import hmac
import time

from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from commerce.activities.moderation import Line, Rules
from commerce.catalogue.pinyin import syllables_of
from commerce.errors import InvalidField
from commerce.io.commerce import Commerce
from rooms.io.hub import RoomHub
from rooms.log import LogUnavailable
from rooms.messages import ChatLine, Sender
from rooms.moderation.filters import BadWord, ListedWord, Verdict, WordFilter, folded_word
from rooms.moderation.policy import Policy, Sanction, SanctionKind, Writer
from server.bridge.channels.registry import RoomState

WRITER_TTL_S = 2 * 3_600
"""How long after a line its sender can be banned by address or device."""
KEY_CHARS = 32


class RecordModeration:
    """Reads policies and writes what moderation needs; see `server.ws.moderation`."""

    def __init__(self, commerce: Commerce, hub: RoomHub, redis: Redis, secret: str) -> None:
        self._commerce = commerce
        self._hub = hub
        self._redis = redis
        self._key = hashlib.sha256(f"moderation:{secret}".encode()).digest()

    async def policy(self, channel: str) -> Policy:
        """Return what holds in a channel.

        Raises:
            LogUnavailable: The record cannot be read now.
        """
        kind, _, room_id = channel.partition(":")
        if kind != "room" or room_id not in self._commerce.catalogue.rooms:
            return Policy()
        try:
            return policy_of(await self._commerce.moderation.settings.rules(room_id))
        except DBAPIError as error:
            raise LogUnavailable(str(error)) from error

    async def hold(self, channel: str, line: ChatLine) -> None:
        """List a line for review; beyond what is listed it is refused."""
        await self._commerce.moderation.lines.hold(channel.partition(":")[2], as_line(line))

    async def remember(self, channel: str, writer: Writer) -> None:
        """Keep the keys of somebody's address and device."""
        key = _writer_key(channel.partition(":")[2], writer.subject)
        try:
            await self._redis.set(key, f"{writer.address}|{writer.device}", ex=WRITER_TTL_S)
        except (RedisError, OSError) as error:
            raise LogUnavailable(str(error)) from error

    async def keys_of_writer(self, room_id: str, subject: str) -> tuple[str, str]:
        """Return the keys of the address and device of somebody's last lines, or empty ones."""
        found = await self._redis.get(_writer_key(room_id, subject))
        text = found.decode() if isinstance(found, bytes) else found or ""
        address, _, device = text.partition("|")
        return address, device

    async def line(self, room_id: str, line_id: str) -> Line | None:
        """Return a line that the room shows.

        Raises:
            LogUnavailable: The room cannot be opened now.
        """
        local = await self._hub.open_room(f"room:{room_id}")
        state = local.room.state
        chat = state.chat if isinstance(state, RoomState) else ()
        return next((as_line(line) for line in chat if line.id == line_id), None)

    async def show(self, room_id: str, line: Line) -> None:
        """Show the room a line that was held, as written now.

        Raises:
            LogUnavailable: The room cannot be opened now.
        """
        local = await self._hub.open_room(f"room:{room_id}")
        sender = Sender(line.sender_id, line.nickname, "guest")
        at_ms = time.time_ns() // 1_000_000
        self._hub.publish_line(local, ChatLine(line.id, sender, line.text, at_ms))

    def is_member(self, subject: str) -> bool:
        """Whether a guest belongs to a confirmed household."""
        return bool(self._commerce.households.of(subject))

    def key_of(self, kind: str, value: str) -> str:
        """Return the key by which sanctions name an address or a device; empty for nothing."""
        if not value:
            return ""
        text = f"{kind}:{value}".encode()
        return f"{kind[0]}:{hmac.new(self._key, text, hashlib.sha256).hexdigest()[:KEY_CHARS]}"


def policy_of(rules: Rules) -> Policy:
    """Return the rules as lines are judged by them."""
    sanctions: dict[str, tuple[Sanction, ...]] = {}
    for row in rules.sanctions:
        sanction = Sanction(row.id, SanctionKind(row.kind.value), row.reason, row.until_ms)
        for key in filter(None, (row.subject, row.address, row.device)):
            sanctions[key] = (*sanctions.get(key, ()), sanction)
    return Policy(
        version=rules.shown.version,
        slow_s=rules.shown.slow_s,
        members_only=rules.shown.members_only,
        filter=WordFilter(
            ListedWord(word.text, Verdict(word.verdict), word.syllables) for word in rules.words
        ),
        moderators=frozenset(moderator.subject for moderator in rules.moderators),
        cohosts=frozenset(rules.cohosts),
        sanctions=sanctions,
    )


def spelled(text: str) -> tuple[str, tuple[str, ...]]:
    """Return a listed word or pattern as it is kept, and its pinyin.

    Raises:
        InvalidField: It cannot be listed.
    """
    try:
        folded = folded_word(text)
    except BadWord as error:
        raise InvalidField("words", f"{text!r} is {error.reason}") from None
    return folded, () if set(folded) & set("#?*") else syllables_of(folded)


def as_line(line: ChatLine) -> Line:
    """Return a line of the room as commerce keeps it."""
    return Line(line.id, line.sender.id, line.sender.nickname, line.text, line.at_ms)


def _writer_key(room_id: str, subject: str) -> str:
    return f"chat:writer:{room_id}:{subject}"
