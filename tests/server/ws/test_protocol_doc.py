"""docs/protocol.md names every subprotocol and limit of the code; test_schema.py has the rest."""

import re
from pathlib import Path

from rooms import state
from rooms.io import audience
from rooms.rates import CHAT_CHARS_MAX
from rooms.room import CHAT_LINES_PER_S, JOINS_PER_TICK_MAX
from server.bridge.channels import cards, groups
from server.ws import registry, session, transport, wire

DOC = (Path(__file__).parents[3] / "docs" / "protocol.md").read_text()


def test_subprotocols_are_listed() -> None:
    for codec in wire.CODECS:
        assert f"`{codec.subprotocol}`" in DOC


def test_limits_are_those_of_the_code() -> None:
    for text in (
        f"at most {wire.MESSAGE_BYTES_MAX:,} bytes",
        f"within {registry.HELLO_S_MAX:g} s",
        f"1–{wire.CID_CHARS_MAX} characters",
        f"1–{CHAT_CHARS_MAX} characters",
        f"1–{wire.LIKES_PER_MESSAGE_MAX}.",
        f"{session.MESSAGES[1]:g} a second, burst {session.MESSAGES[0]:g}, per connection",
        f"after {session.FAST_MESSAGES[0]:g} of them in a minute close 3505",
        f"{registry.CHAT_PER_USER[1]:g} a second, burst {registry.CHAT_PER_USER[0]:g}, per user",
        f"{session.LIKES[1]:g} a second, burst {session.LIKES[0]:g}, per connection",
        f"{session.BAD_MESSAGES[0]:g} in a minute",
        f"{registry.CONNECTIONS_MAX:,} per worker",
        f"{registry.CONNECTIONS_PER_ADDRESS_MAX} per address",
        f"{session.CHANNEL_CONNECTIONS_MAX:,} per channel and worker",
        f"{registry.CONNECTS_PER_ADDRESS[1]:g} a second, "
        f"burst {registry.CONNECTS_PER_ADDRESS[0]:g}",
        f"Above {CHAT_LINES_PER_S:g} lines a second",
        f"at most {JOINS_PER_TICK_MAX} a tick",
        f"at most {cards.CARDS_MAX})",
        f"at most {groups.GROUPS_MAX})",
        f"the last {state.CHAT_LINES_MAX})",
        f"{transport.WRITE_BUFFER_HIGH // 1024} KiB more are waiting",
        f"{audience.STALE_BYTES // 1024} KiB are waiting",
        f"after {audience.STALE_S_MAX:g} s in that state or {audience.BEHIND_S_MAX:g} s behind",
    ):
        assert re.sub(r"\s+", " ", text) in re.sub(r"\s+", " ", DOC), text
