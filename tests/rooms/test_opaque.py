"""Payloads are opaque to the engine: nothing in rooms/ has the name of what it carries."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rooms.messages import ChatLine, Counters, Sender
from server.bridge.channels.registry import FEATURES
from server.ws import schema

ROOMS = Path(__file__).parents[2] / "rooms"


def carried() -> set[str]:
    """The names of events, payloads and members of the state, from the registry."""
    structs: dict[Any, None] = {}
    for feature in FEATURES:
        for kind in (*feature.events, *feature.private):
            schema.walk(kind, structs)
    names = {struct.__name__ for struct in structs}
    tags = {struct.__struct_config__.tag for struct in structs} - {None}
    return (names | tags | {feature.member for feature in FEATURES} | {"product", "card"}) - {""}


def names(path: Path) -> Iterator[str]:
    """Every name that a module defines, imports or uses."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield name
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                yield name
            case ast.AsyncFunctionDef(name=name) | ast.alias(name=name):
                yield name
            case ast.keyword(arg=str(name)):
                yield name
            case ast.ImportFrom(module=str(name)):
                yield from name.split(".")


def test_registry_names_what_is_looked_for() -> None:
    assert carried() >= {"Card", "GroupChanged", "StoreOrder", "pin", "stock", "cards", "live"}
    assert not carried() & {kind.__name__ for kind in (ChatLine, Counters, Sender)}


@pytest.mark.parametrize(
    "path", sorted(ROOMS.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOMS))
)
def test_engine_names_nothing_that_it_carries(path: Path) -> None:
    assert not carried() & set(names(path))
