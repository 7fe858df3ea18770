"""The codec of the gate's scripts: entries are read or poison, and scripts have no gaps."""

from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.errors import NewerEntry, PoisonEntry
from commerce.io.gate import codec
from commerce.io.gate.codec import (
    ENTRY_FIELD,
    ENTRY_FIELDS,
    HOLD_FIELDS,
    TAP_FIELDS,
    decode_entry,
    encode_hold,
    encode_tap,
    expand,
)
from commerce.orders.lines import EntryLine, Needs, TapLine, encode_units
from commerce.orders.order import ID_CHARS, Entry
from commerce.orders.tap import Tap

LUA = Path(codec.__file__).parent / "lua"

ids = st.text(st.characters(codec="utf-8", exclude_characters="|"), min_size=1, max_size=20)
entries = st.builds(
    Entry,
    entry_id=st.just("1-0"),
    order_id=st.text("0123456789abcdef", min_size=ID_CHARS, max_size=ID_CHARS),
    body_hash=ids,
    guest_id=ids,
    estate_id=ids,
    room_id=ids,
    product_id=ids,
    quantity=st.integers(1, 20),
    price_fen=st.integers(1, 10**9),
    group_id=ids | st.just(""),
    store_id=ids,
    at_ms=st.integers(0, 2**42),
    origin=ids | st.just(""),
)


def written(entry: Entry) -> dict[bytes, bytes]:
    """The stream's fields of an entry."""
    values = {name: getattr(entry, name) for name in ENTRY_FIELDS}
    values["needs"] = encode_units(entry.needs)
    values["quotas"] = encode_units(entry.quotas)
    values["lines"] = ",".join(
        f"{line.product_id} {line.units} {line.price_fen} {line.recipe_version}"
        for line in entry.lines
    )
    return {ENTRY_FIELD: "|".join(str(value) for value in values.values()).encode()}


@given(entries)
def test_an_entry_is_read_as_it_was_written(entry: Entry) -> None:
    assert decode_entry(b"1-0", written(entry)) == entry


names = st.from_regex(r"[a-z0-9.:_-]{1,8}", fullmatch=True)
further = st.lists(
    st.builds(EntryLine, names, st.integers(1, 20), st.integers(1, 10**9), st.integers(0, 99)),
    max_size=3,
)
needs_of = st.lists(st.tuples(names, st.integers(1, 400)), min_size=1, max_size=4).map(tuple)


@given(entries, names, st.integers(0, 9), further, needs_of)
def test_lines_are_read_as_they_were_written(
    plain: Entry, head: str, recipe: int, rest: list[EntryLine], needs: Needs
) -> None:
    first = EntryLine(head, plain.quantity, plain.price_fen, recipe)
    entry = replace(plain, product_id=head, lines=(first, *rest), needs=needs, quotas=needs)
    assert decode_entry(b"1-0", written(entry)) == entry


@given(entries)
def test_an_entry_of_an_older_version_is_read(entry: Entry) -> None:
    text = written(entry)[ENTRY_FIELD]
    for newer in (b"||", b"|||", b"||||||", b"||||||||"):  # of coupons, quotas, slots, lines
        assert decode_entry(b"1-0", {ENTRY_FIELD: text.removesuffix(newer)}) == entry


@given(entries)
def test_an_entry_of_a_newer_version_is_not_poison(entry: Entry) -> None:
    text = written(entry)[ENTRY_FIELD] + b"|what is new"
    with pytest.raises(NewerEntry):
        decode_entry(b"1-0", {ENTRY_FIELD: text})


@given(entries)
def test_a_hold_without_what_is_new_is_as_the_released_version_wrote_it(entry: Entry) -> None:
    assert encode_hold(entry).count("|") == 7
    later = encode_hold(replace(entry, quotas=(("flash:f", 1),)))
    assert later == encode_hold(entry) + "|flash:f 1|"


@pytest.mark.parametrize(
    ("lines", "needs"),
    [
        ("p 2 100 0", ""),
        ("", "p 2"),
        ("q 2 100 0", "q 2"),
        ("p 2 100 0,q 0 100 0", "p 2"),
        ("p 2 100 0,q 1 100", "p 2"),
        ("p 2 100 0", "p 0"),
        ("p 2 100 0", " 2"),
    ],
)
def test_lines_that_contradict_their_entry_are_poison(lines: str, needs: str) -> None:
    entry = Entry("1-0", "o" * 32, "b", "g", "e", "r", "p", 2, 100, "", "s", 1, "w")
    text = written(entry)[ENTRY_FIELD].removesuffix(b"||||||||") + f"|{lines}|{needs}".encode()
    with pytest.raises(PoisonEntry):
        decode_entry(b"1-0", {ENTRY_FIELD: text})


@given(st.text(max_size=120).map(str.encode) | st.binary(max_size=120))
def test_random_bytes_are_poison(text: bytes) -> None:
    with pytest.raises(PoisonEntry):
        decode_entry(b"1-0", {ENTRY_FIELD: text})


MAY_BE_EMPTY = (
    "body_hash",
    "group_id",
    "origin",
    *ENTRY_FIELDS[ENTRY_FIELDS.index("origin") + 1 :],
)


@given(entries, st.integers(0, len(ENTRY_FIELDS) - 1), st.sampled_from(["", "-1", "x", "a|b"]))
def test_an_entry_with_one_wrong_field_is_poison_or_has_that_field(
    entry: Entry, at: int, wrong: str
) -> None:
    parts = written(entry)[ENTRY_FIELD].decode().split("|")
    parts[at] = wrong
    try:
        read = decode_entry(b"1-0", {ENTRY_FIELD: "|".join(parts).encode()})
    except (PoisonEntry, NewerEntry):
        return
    assert written(read)[ENTRY_FIELD].decode().split("|")[at] == wrong
    assert ENTRY_FIELDS[at] in MAY_BE_EMPTY or wrong


def test_a_tap_and_a_hold_name_every_field_once() -> None:
    tap = Tap("o", "b", "g", "e", "r", "p", 2, "", True, None, ("s1", "s2"), "w", "h")
    assert encode_tap(tap) == "o|b|g|e|r|p|2||1||w|h|||||0|||"
    lines = (TapLine("p", 2, 90), TapLine("q", 1, None, 3))
    bag = replace(tap, lines=lines, needs=(("p", 2), ("x", 4)))
    assert encode_tap(bag) == "o|b|g|e|r|p|2||1||w|h|p 2 90 0,q 1  3|p 2,x 4|||0|||"
    entry = Entry("9-1", "o" * 32, "b", "g", "e", "r", "p", 2, 100, "", "s1", 5, "w", "h")
    assert encode_hold(entry) == "p|s1|2||h|9-1||"
    sold = replace(entry, needs=bag.needs, quotas=(("flash:f", 2),))
    assert encode_hold(sold) == "p|s1|2||h|9-1|p 2,x 4||flash:f 2|"
    assert {*TAP_FIELDS, "stores", "slots"} == {field.name for field in fields(Tap)}
    assert {*ENTRY_FIELDS, "entry_id"} == {field.name for field in fields(Entry)}
    assert set(HOLD_FIELDS) <= {field.name for field in fields(Entry)}


def test_what_an_entry_needs_of_a_tap_is_in_the_tap_or_decided_by_the_gate() -> None:
    decided = {"price_fen", "store_id", "at_ms", "slot", "quotas"}
    assert set(ENTRY_FIELDS) - set(TAP_FIELDS) == decided


def test_scripts_spell_no_list_of_fields_themselves() -> None:
    for path in LUA.glob("*.lua"):
        text = path.read_text("utf-8")
        code = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
        code = code.replace("$ADMIT_LUA", "")  # the whole of another script
        assert "[^|]*" not in code, path.name
        assert "$" not in expand(code).replace("$'", "").replace("*)$", ""), path.name


def test_an_unknown_placeholder_is_an_error() -> None:
    with pytest.raises(KeyError):
        expand("local $NOTHING = 1")


@given(entries)
def test_an_entry_without_a_household_counts_for_its_guest(entry: Entry) -> None:
    text = written(entry)[ENTRY_FIELD].removesuffix(b"|||||||||")
    assert decode_entry(b"1-0", {ENTRY_FIELD: text}).household_id == entry.guest_id
