"""One schema: generated TypeScript and the tables of docs/protocol.md equal Python's structs."""

import re
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest

from server.bridge.channels import registry
from server.ws import schema, wire

ROOT = Path(__file__).parents[3]
TYPES = ROOT / "web" / "src" / "lib" / "base" / "wire.ts"
DOC = (ROOT / "docs" / "protocol.md").read_text()

Members = dict[str, tuple[str, bool]]
"""Name → its type in the document's words, and whether it may be missing."""

MEMBER = re.compile(r"`([a-z_]+)(\?)?`: ([A-Za-z\[\]]+(?: or [A-Za-z\[\]]+)*)")


def test_generated_typescript_is_up_to_date() -> None:
    command = "python -m server.ws.schema > web/src/lib/base/wire.ts"
    assert TYPES.read_text() == schema.typescript(), f"generate it again: {command}"


def section(title: str) -> str:
    """Return what follows the heading `title`, up to the next heading."""
    found = re.search(rf"^##+ {re.escape(title)}$(.*?)(?=^##|\Z)", DOC, re.MULTILINE | re.DOTALL)
    assert found, f"docs/protocol.md has no section {title!r}"
    return found.group(1)


def rows(title: str) -> dict[str, str]:
    """Return the tables of a section: first cell → second cell."""
    lines = [line for line in section(title).splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.split("|")[1:3]] for line in lines]
    return {first.strip("`"): second for first, second in cells if first.strip("- ")}


def written(cell: str) -> Members:
    """Read the members that a cell of the document describes."""
    found = MEMBER.findall(cell)
    text = ", ".join(f"`{name}{mark}`: {kind}" for name, mark, kind in found)
    assert text == cell, f"not `name`: type, …: {cell}"
    return {name: (kind, mark == "?") for name, mark, kind in found}


def defined(struct: Any, *beside: str) -> Members:
    """Return the members of a struct, those named `beside` the table left out."""
    return {
        field.name: (schema.prose_type(field.type), field.is_optional)
        for field in schema.fields(struct)
        if field.name not in beside
    }


def tagged(union: Any) -> dict[str, Any]:
    """Return the structs of a union by their tags."""
    return {struct.__struct_config__.tag: struct for struct in get_args(union) or (union,)}


@pytest.mark.parametrize(
    ("title", "union", "beside"),
    [
        ("Client → server", wire.ClientMessage, ()),
        ("Server → client", wire.ServerMessage, ()),
        ("Numbered events (ChannelEvent)", registry.ChannelEvent, ("o", "at_ms")),
        ("Private events", registry.PrivateEvent, ()),
    ],
)
def test_document_has_each_message_with_its_members_and_types(
    title: str, union: Any, beside: tuple[str, ...]
) -> None:
    table = {tag: written(cell) for tag, cell in rows(title).items() if tag not in ("t", "k")}
    assert table == {tag: defined(struct, *beside) for tag, struct in tagged(union).items()}


def test_document_says_what_each_numbered_event_has() -> None:
    for struct in get_args(registry.ChannelEvent):
        assert (
            defined(struct).items()
            >= {"o": ("integer", False), "at_ms": ("integer", False)}.items()
        )
    assert "`o`: integer" in section("Numbered events (ChannelEvent)")
    assert "`at_ms`: integer" in section("Numbered events (ChannelEvent)")


def test_document_has_each_type_with_its_members_and_types() -> None:
    unions = (wire.ClientMessage, wire.ServerMessage, registry.ChannelEvent, registry.PrivateEvent)
    messages = {struct for union in unions for struct in tagged(union).values()}
    literals = {
        name: ", ".join(f"`{value}`" for value in get_args(kind))
        for name, kind in schema.ALIASES.items()
        if get_origin(kind) is Literal
    }
    table = {name: cell for name, cell in rows("Types").items() if name != "type"}
    assert {name: cell for name, cell in table.items() if name in literals} == literals
    assert {name: written(cell) for name, cell in table.items() if name not in literals} == {
        struct.__name__: defined(struct) for struct in schema.structs() if struct not in messages
    }


def test_document_has_each_close_code_with_its_reason() -> None:
    table = {int(code): reason for code, reason in rows("Close codes").items() if code.isdigit()}
    assert table.pop(1006) == "", "no close frame, so no reason"
    assert table == {int(code): code.reason for code in wire.CloseCode}


def test_document_has_each_error_code() -> None:
    assert rows("Error codes (`error.code`)").keys() - {"code"} == set(wire.ErrorCode)
