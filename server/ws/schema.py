"""The room protocol's schema as text: TypeScript's types, and the types that docs/protocol.md uses.

Everything is read from the structs of `server.ws.wire` and what they carry. The web's types are
written by

    python -m server.ws.schema > web/src/lib/base/wire.ts

and tests/server/ws/test_schema.py fails while that file or docs/protocol.md differs.
"""

import inspect
import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import msgspec

from rooms.events import Event, PrivateEvent
from rooms.state import CHAT_LINES_MAX, State
from server.bridge.channels import (
    cabinets,
    cards,
    draws,
    groups,
    live,
    moderation,
    orders,
    registry,
)
from server.ws import wire

ALIASES: dict[str, Any] = {
    "LiveState": live.LiveState,
    "GroupState": groups.GroupState,
    "OrderState": orders.OrderState,
    "PickState": orders.PickState,
    "Fulfilment": orders.Fulfilment,
    "PaymentActionKind": orders.PaymentActionKind,
    "ProductKind": cards.ProductKind,
    "CabinetAlarm": cabinets.CabinetAlarm,
    "DrawState": draws.DrawState,
    "VoidReason": draws.VoidReason,
    "SanctionKind": moderation.SanctionKind,
    "ChannelEvent": registry.ChannelEvent,
    "PrivateEvent": registry.PrivateEvent,
    "ClientMessage": wire.ClientMessage,
    "ServerMessage": wire.ServerMessage,
}
"""Unions and literals that have a name, in the order in which they are written."""

CARRIED: dict[Any, Any] = {
    Event: registry.ChannelEvent,
    PrivateEvent: registry.PrivateEvent,
    State: registry.ChannelState,
}
"""What stands for the engine's bases on the wire."""

LIMITS = {
    "CARDS_MAX": cards.CARDS_MAX,
    "GROUPS_MAX": groups.GROUPS_MAX,
    "CHAT_LINES_MAX": CHAT_LINES_MAX,
}
"""What a client must know to keep the same state as the server."""

LINE_CHARS_MAX = 110

_HEADER = """\
/**
 * The room protocol (docs/protocol.md): messages, events and what they carry.
 *
 * Generated from Python's definitions; do not edit, run
 * python -m server.ws.schema > web/src/lib/base/wire.ts
 */

/** Integer 1/100 yuan. */
export type Fen = number
/** UTC milliseconds. */
export type AtMs = number
"""


class Field(NamedTuple):
    """One member of a message as it travels."""

    name: str
    type: Any
    is_optional: bool


def fields(struct: Any) -> list[Field]:
    """Return the members of a struct, its tag left out.

    A member may be missing where a decoder fills it in (client messages) or an encoder leaves out
    defaults (`omit_defaults`).
    """
    is_request = struct in get_args(wire.ClientMessage)
    may_omit = is_request or struct.__struct_config__.omit_defaults
    found = []
    for field in msgspec.structs.fields(struct):
        is_optional = may_omit and field.default is not msgspec.NODEFAULT
        kind = _carried(field.type)
        if is_optional and not is_request and field.default is None:
            kind = _without_none(kind)  # left out instead of null
        found.append(Field(field.encode_name, kind, is_optional))
    return found


def structs() -> list[Any]:
    """Return every struct of the protocol, each after those that it is made of."""
    found: dict[Any, None] = {}
    for root in (wire.ClientMessage, wire.ServerMessage):
        walk(root, found)
    return list(found)


def prose_type(kind: Any) -> str:
    """Return a type in the words of docs/protocol.md: `integer`, `Card`, `[Group]`, `… or null`."""
    if name := _alias(kind):
        return name
    match _parts(kind):
        case ("list", item):
            return f"[{prose_type(item)}]"
        case ("union", *members):
            return " or ".join(map(prose_type, members))
        case ("name", name):
            return {"number": "integer"}.get(str(name), str(name))
    raise AssertionError(f"the schema has no word for {kind}")


def typescript_type(kind: Any, name: str = "") -> str:
    """Return a type in TypeScript; `name` is that of its member, which may say its unit."""
    if alias := _alias(kind):
        return alias
    match _parts(kind):
        case ("list", item):
            text = typescript_type(item)
            return f"({text})[]" if " | " in text else f"{text}[]"
        case ("union", *members):
            return " | ".join(typescript_type(member, name) for member in members)
        case ("name", "number") if name.endswith("_fen"):
            return "Fen"
        case ("name", "number") if name.endswith("at_ms"):
            return "AtMs"
        case ("name", text):
            return str(text)
    raise AssertionError(f"the schema has no word for {kind}")


def typescript() -> str:
    """Return the module web/src/lib/base/wire.ts."""
    parts = [_HEADER]
    for name, kind in ALIASES.items():
        if get_origin(kind) is Literal:
            parts.append(_union(name, [f"'{value}'" for value in get_args(kind)]))
    parts.append(_union("ErrorCode", [f"'{code}'" for code in wire.ErrorCode]))
    unions = {name: kind for name, kind in ALIASES.items() if get_origin(kind) is not Literal}
    for struct in structs():
        parts.append(_interface(struct))
        parts += [
            _union(name, [member.__name__ for member in _members(kind)])
            for name, kind in unions.items()
            if _members(kind)[-1] is struct
        ]
    parts.append("\n".join(_constants()))
    return "\n".join(parts)


def walk(kind: Any, found: dict[Any, None]) -> None:
    """Add the structs that `kind` is made of to `found`, and then itself."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        if kind not in found:
            for field in fields(kind):
                walk(field.type, found)
            found[kind] = None
    else:
        for part in get_args(kind):
            walk(part, found)


def _carried(kind: Any) -> Any:
    """Return `kind` with what the engine's bases stand for in place of them."""
    if get_origin(kind) is tuple:
        return tuple[_carried(get_args(kind)[0]), ...]  # type: ignore[misc]  # a type at run time
    return CARRIED.get(kind, kind)


def _members(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) or (kind,)


def _alias(kind: Any) -> str | None:
    """Return the name of a literal or union that has one."""
    if not get_args(kind):
        return None
    return next((name for name, known in ALIASES.items() if known == kind), None)


def _without_none(kind: Any) -> Any:
    kept = tuple(part for part in get_args(kind) if part is not types.NoneType)
    return Union[kept]  # noqa: UP007 (of a tuple)


def _parts(kind: Any) -> tuple[Any, ...]:
    """Take a type apart: ("list", item), ("union", *members) or ("name", TypeScript's name)."""
    origin = get_origin(kind)
    if origin is Annotated:
        return _parts(get_args(kind)[0])
    if origin is tuple:
        return ("list", get_args(kind)[0])
    if origin in (Union, types.UnionType):
        return ("union", *get_args(kind))
    plain = {str: "string", int: "number", bool: "boolean", types.NoneType: "null"}
    return ("name", plain.get(kind) or kind.__name__)


def _interface(struct: Any) -> str:
    config = struct.__struct_config__
    lines = [f"  {config.tag_field}: '{config.tag}'"] if config.tag else []
    lines += [
        f"  {name}{'?' if is_optional else ''}: {typescript_type(kind, name)}"
        for name, kind, is_optional in fields(struct)
    ]
    name = struct.__name__
    if not lines:
        return f"{_comment(struct)}\nexport type {name} = Record<string, never>\n"
    return "\n".join([_comment(struct), f"export interface {name} {{", *lines, "}", ""])


def _union(name: str, members: list[str]) -> str:
    """Write a union as prettier does: on one line, or on the next, or one member a line."""
    whole = f"export type {name} = {' | '.join(members)}"
    if len(whole) <= LINE_CHARS_MAX:
        return f"{whole}\n"
    rest = f"  {' | '.join(members)}"
    if len(rest) <= LINE_CHARS_MAX:
        return f"export type {name} =\n{rest}\n"
    return "\n".join([f"export type {name} =", *(f"  | {member}" for member in members), ""])


def _constants() -> Iterator[str]:
    names = ", ".join(f"'{codec.subprotocol}'" for codec in wire.CODECS)
    yield f"export const SUBPROTOCOLS = [{names}] as const"
    for name, value in LIMITS.items():
        yield f"export const {name} = {value}"
    yield ""
    yield _comment(wire.CloseCode)
    yield "export const CloseCode = {"
    for code in wire.CloseCode:
        yield f"  {code.name}: {code.value},"
    yield "} as const"
    yield ""


def _comment(kind: Any) -> str:
    return f"/** {' '.join(inspect.cleandoc(kind.__doc__).split())} */"


if __name__ == "__main__":
    print(typescript(), end="")
