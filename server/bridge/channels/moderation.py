"""The order of a room's chat: what holds, which lines are removed, who may not write."""

from typing import Literal, TypeAlias

import msgspec

from rooms.events import Event, PrivateEvent
from rooms.messages import ChatLine
from server.bridge.channels.feature import Feature

LINES_REMOVED_MAX = 50
"""As many as a room shows: what is older is seen nowhere."""
SENDERS_REMOVED_MAX = 20

SanctionKind: TypeAlias = Literal["mute", "ban"]


class RemovedSender(msgspec.Struct, frozen=True):
    """All lines of this sender until then are removed."""

    id: str
    until_ms: int


class ChatRules(msgspec.Struct, frozen=True):
    """What holds in the chat: guests wait `slow_s` between lines; `version` grows with each change.

    `members_only`: of guests only those write whose household is confirmed.
    """

    version: int = 0
    slow_s: int = 0
    members_only: bool = False
    removed_lines: tuple[str, ...] = ()
    removed_senders: tuple[RemovedSender, ...] = ()

    @property
    def removes(self) -> bool:
        """Whether anything is removed."""
        return bool(self.removed_lines or self.removed_senders)

    def keeps(self, line: ChatLine) -> bool:
        """Whether a line is not removed."""
        return line.id not in self.removed_lines and not any(
            line.sender.id == sender.id and line.at_ms <= sender.until_ms
            for sender in self.removed_senders
        )


class ChatRulesChanged(Event, frozen=True, kw_only=True, tag="chat_rules"):
    """Settings changed or lines were removed; carries all that holds now."""

    chat_rules: ChatRules


class Restriction(msgspec.Struct, frozen=True):
    """A mute or ban of this user; without an end it holds until it is lifted."""

    id: str
    kind: SanctionKind
    reason: str
    until_ms: int | None


class YourStanding(PrivateEvent, frozen=True, kw_only=True, tag="standing"):
    """What holds against this user in the room of the connection; null: nothing any more.

    `moderator`: the host has made the user a moderator of it. `cohost`: the user has accepted the
    host's invitation, and may do what a co-host may until it is false.
    """

    sanction: Restriction | None
    moderator: bool = False
    cohost: bool = False


MODERATION = Feature(
    "chat_rules",
    {ChatRulesChanged: lambda _, event: event.chat_rules},
    private=(YourStanding,),
)
