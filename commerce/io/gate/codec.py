"""The one place that spells what the gate's scripts read and write.

A value is its fields, as text, joined by `|`. The fields of a tap and of a stream entry are those
of `Tap` and `Entry`, so a new one is added to these two classes and nowhere else: the Lua files
name them by `$` placeholders, for which `expand` puts the lists of this module.

Lines are joined by `,`, and their fields by a space: `tea 2 990 0,dinner 1  3` are two of a tap,
the second without a price; `tea 2,bass 1` are units by item. Both are empty for a tap of one item.

| in Lua           | stands for                                                        |
| ---------------- | ----------------------------------------------------------------- |
| `$TAP`           | local variables, one per field of a tap                           |
| `$TAP_PATTERN`   | the pattern that takes a tap apart                                |
| `$ENTRY`         | the text of a stream entry, from variables of its fields' names   |
| `$HOLD`          | local variables, one per field of a hold                          |
| `$HOLD_PATTERN`  | the pattern that takes a hold apart                               |
| `$HOLD_TEXT`     | the text of a hold, from variables of its fields' names           |
| `$LINE_PATTERN`  | the pattern that finds the lines of a tap                         |
| `$UNITS_PATTERN` | the pattern that finds units by item                              |
| `$STORES_PATTERN` | the pattern that finds candidate stores, each with its slots      |
| `$PREVIOUS`      | what the key of prices before adds to that of the products        |
| `$FLASH`         | what the names of flash sales' quotas begin with                  |
| `$FLASH_PATTERN` | the pattern of a flash sale: id, start, end, price, limit         |
| `$PRODUCT_PATTERN` | the pattern of a product: price, limit, on sale, recipe         |
| `$KEY_PATTERN`   | the pattern of a key: body hash, refusal, units left, product     |
| `$NO_ENTRY`      | the entry id of a hold that no entry of the stream stands for     |
| `$KEY_ADMITTED`  | what follows the body hash in the key of an admitted tap          |
"""

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import fields, replace
from operator import attrgetter
from typing import Any, get_type_hints

from commerce.catalogue.offers import EstateOffer, Offer, RuleBook, place_of
from commerce.catalogue.rules import Place
from commerce.catalogue.values import Estate, Product
from commerce.coupons.terms import ORDER_FEN_MIN
from commerce.errors import NewerEntry, PoisonEntry
from commerce.groups.group import Group
from commerce.io.gate import keys
from commerce.orders.flash import GateFlash
from commerce.orders.lines import (
    EntryLine,
    Needs,
    TapLine,
    encode_units,
    read_discounts,
    read_units,
)
from commerce.orders.order import ID_CHARS, Entry
from commerce.orders.promise import Fulfilment
from commerce.orders.quotas import FLASH
from commerce.orders.tap import Tap

SEPARATOR = "|"
CAPTURES_MAX = 32  # of a pattern in Lua 5.1
ENTRY_FIELD = b"tap"  # of the stream

# A tap's stores and their slots are a list of their own; an entry's id is made by the stream.
TAP_FIELDS = tuple(field.name for field in fields(Tap) if field.name not in ("stores", "slots"))
ENTRY_FIELDS = tuple(field.name for field in fields(Entry) if field.name != "entry_id")
HOLD_FIELDS = (
    "product_id",
    "store_id",
    "quantity",
    "group_id",
    "household_id",
    "entry_id",
    "needs",
    "slot",
    "quotas",
    "coupon_id",
)

# What a released version does not know. Entries and holds that use none of it are written without,
# so that a node of that version settles them while another is upgraded.
LATER_FIELDS = ("quotas", "coupon_id", "discounts")

_GUEST = ENTRY_FIELDS.index("guest_id")

_ADDED = (
    "household_id",
    "lines",
    "needs",
    "slot",
    "fulfilment",
    "ruled_out",
    "quotas",
    "coupon_id",
    "discounts",
)
# Fields that entries of older versions lack: no coupons, quotas, slots, lines, households.
_LACKING = (2, 3, 6, 8, 9)

assert ENTRY_FIELDS[-len(_ADDED) :] == _ADDED
assert max(map(len, (TAP_FIELDS, ENTRY_FIELDS, HOLD_FIELDS))) <= CAPTURES_MAX

_ADMITTED = " - 0"
_tap_values = attrgetter(*TAP_FIELDS)
_hold_values = attrgetter(*HOLD_FIELDS)
_types = get_type_hints(Entry)


def _read_lines(text: str) -> tuple[EntryLine, ...]:
    rows = [line.split(" ") for line in text.split(",")] if text else []
    return tuple(
        EntryLine(product_id, int(units), int(price_fen), int(recipe))
        for product_id, units, price_fen, recipe in rows
    )


_READ: dict[Any, Callable[[str], Any]] = {
    int: int,
    str: str,
    tuple[EntryLine, ...]: _read_lines,
    Needs: read_units,
}
_readers = tuple(_READ[_types[name]] for name in ENTRY_FIELDS)


def encode_tap(tap: Tap) -> str:
    """Return a tap as admit.lua takes it apart; its ids are free of `|`."""
    return _joined(_tap_values(tap), len(TAP_FIELDS))


def encode_stores(tap: Tap) -> str:
    """Return candidate stores, each with the slots that the tap may take there."""
    if not tap.slots:
        return "".join([f"{store}|" for store in tap.stores])
    pairs = zip(tap.stores, tap.slots, strict=True)
    return "".join([f"{store}{slots}|" for store, slots in pairs])


def encode_hold(entry: Entry) -> str:
    """Return the hold of an admitted tap, as admit.lua writes it."""
    text = _joined(_hold_values(entry), len(HOLD_FIELDS))
    return text.removesuffix(SEPARATOR * len(_later(HOLD_FIELDS)))


def decode_entry(entry_id: bytes, stream_fields: dict[bytes, bytes]) -> Entry:
    """Read what admit.lua added to the stream.

    Raises:
        NewerEntry: It has more fields than this version knows.
        PoisonEntry: This is not an entry of ours.
    """
    try:
        text = stream_fields.get(ENTRY_FIELD, b"").decode()
    except UnicodeDecodeError:
        raise PoisonEntry("not UTF-8") from None
    parts = text.split(SEPARATOR)
    lacking = len(ENTRY_FIELDS) - len(parts)
    if lacking in _LACKING:
        if lacking == len(_ADDED):
            parts.append(parts[_GUEST])
        parts += [""] * (len(ENTRY_FIELDS) - len(parts))
    if len(parts) > len(ENTRY_FIELDS):
        raise NewerEntry(f"{len(parts)} fields")
    if len(parts) != len(ENTRY_FIELDS):
        raise PoisonEntry(f"{len(parts)} fields")
    try:
        values = [read(part) for read, part in zip(_readers, parts, strict=True)]
    except ValueError:
        raise PoisonEntry("a number is not one") from None
    entry = Entry(entry_id.decode(), *values)
    if entry.quantity < 1 or entry.price_fen < 1 or entry.at_ms < 0:
        raise PoisonEntry("a value is out of range")
    if entry.fulfilment not in ("", *Fulfilment):
        raise PoisonEntry("the fulfilment is another one")
    if len(entry.order_id) != ID_CHARS:
        raise PoisonEntry("the order id has a wrong length")
    ids = (entry.guest_id, entry.estate_id, entry.room_id, entry.product_id, entry.store_id)
    if not all(ids):
        raise PoisonEntry("an id is empty")
    if any(units < 1 or not name for name, units in entry.quotas):
        raise PoisonEntry("a quota is out of range")
    if entry.lines or entry.needs:
        _check_lines(entry)
    _check_discounts(entry)
    return entry


def _check_discounts(entry: Entry) -> None:
    if not entry.coupon_id and not entry.discounts:
        return
    try:
        off = read_discounts(entry.discounts)
    except ValueError:
        raise PoisonEntry("a discount is not a number") from None
    costs = [line.goods_fen for line in entry.lines] or [entry.goods_fen]
    if not entry.coupon_id or len(off) != len(costs):
        raise PoisonEntry("a coupon without discounts, or the other way round")
    if not all(0 <= fen <= cost for fen, cost in zip(off, costs, strict=True)):
        raise PoisonEntry("a discount is out of range")
    if entry.total_fen < ORDER_FEN_MIN:
        raise PoisonEntry("nothing is left to pay")


def _check_lines(entry: Entry) -> None:
    first = EntryLine(entry.product_id, entry.quantity, entry.price_fen)
    if not entry.lines or replace(entry.lines[0], recipe_version=0) != first:
        raise PoisonEntry("the first line is another one")
    if any(line.units < 1 or line.price_fen < 1 for line in entry.lines):
        raise PoisonEntry("a line is out of range")
    if not entry.needs or any(units < 1 for _, units in entry.needs):
        raise PoisonEntry("it needs nothing")
    if not all(product_id for product_id, _ in (*entry.bought, *entry.needs)):
        raise PoisonEntry("an id is empty")


def encode_admitted_key(body_hash: str) -> str:
    """Return what the gate remembers of the key of an admitted tap."""
    return body_hash + _ADMITTED


def encode_offers(
    product: Product, rules: RuleBook, estates: Collection[Estate], at_ms: int
) -> dict[str, str]:
    """Return what admit.lua reads from `products` of one product: offers by field.

    The first of the fields `{estate}|{product}|{room}`, `{estate}|{product}` and `{product}` that
    exists is the offer. An estate has one of its own only where it differs. A member looks before
    each of them for the field with `+|` in front, which is there only where it differs.
    """
    common = rules.offer(product, Place(), at_ms=at_ms)
    offers = {product.id: _facts(common, product)}
    for own in rules.differing(product, estates, at_ms=at_ms):
        offers[f"{own.estate_id}|{product.id}"] = _facts(own, product)
    for room_id in rules.rooms(product.id):
        for estate in estates:
            plain = rules.offer(product, place_of(estate), at_ms=at_ms)
            live = rules.offer(product, place_of(estate, room_id), at_ms=at_ms)
            if live != plain:
                offers[f"{estate.id}|{product.id}|{room_id}"] = _facts(live, product)
    if rules.has_member_prices(product.id):
        _add_member_offers(offers, product, rules, estates, at_ms)
    return offers


def _add_member_offers(
    offers: dict[str, str],
    product: Product,
    rules: RuleBook,
    estates: Collection[Estate],
    at_ms: int,
) -> None:
    """Add what members are offered wherever they would not find it otherwise."""
    common = Place(member=True)
    places = [
        (product.id, common),
        *(
            (f"{estate.id}|{product.id}", replace(place_of(estate), member=True))
            for estate in estates
        ),
    ]
    for room_id in sorted(rules.rooms(product.id)):
        for estate in estates:
            place = replace(place_of(estate, room_id), member=True)
            places.append((f"{estate.id}|{product.id}|{room_id}", place))
    for field, place in places:
        facts = _facts(rules.offer(product, place, at_ms=at_ms), product)
        if facts != _found_by_member(offers, field, product.id):
            offers[f"+|{field}"] = facts


def _found_by_member(offers: dict[str, str], field: str, product_id: str) -> str | None:
    """What a member finds in a place without an offer of its own for members."""
    wider = [field]
    if field.count("|") == 2:
        wider.append(field.rpartition("|")[0])
    if field != product_id:
        wider.append(product_id)
    chain = [name for each in wider for name in (f"+|{each}", each)][1:]
    return next((offers[name] for name in chain if name in offers), None)


def flash_field(room_id: str, product_id: str) -> str:
    """Return the field of `products` that has a room's flash sale of a product."""
    return f"!|{room_id}|{product_id}"


def encode_flash(sale: GateFlash) -> str:
    """Return what admit.lua reads of a flash sale."""
    times = f"{sale.starts_at_ms} {sale.ends_at_ms}"
    return f"{sale.id} {times} {sale.price_fen} {sale.household_limit}"


def encode_offer_index(version: int, at_ms: int, offers: Iterable[str]) -> str:
    """Return what offers.lua keeps of a writing: how new it is, and its fields."""
    return "\n".join([f"{version} {at_ms}", *offers])


def offer_index_field(product_id: str) -> str:
    """Return the field of `products` that has the index of a product."""
    return f"|{product_id}"


def _facts(offer: Offer | EstateOffer, product: Product) -> str:
    facts = f"{offer.price_fen} {product.household_limit} {int(offer.offered)}"
    return f"{facts} {product.recipe_version}" if product.recipe_version else facts


def encode_group(group: Group) -> str:
    """Return what admit.lua reads from `group:{id}`."""
    return f"{group.estate_id}|{group.product_id} {group.price_fen} {group.ends_at_ms}"


def expand(lua: str) -> str:
    """Return a script with its placeholders filled in."""
    return re.sub(r"\$([A-Z_]+)", lambda match: _PLACEHOLDERS[match[1]], lua)


def _joined(values: tuple[Any, ...], count: int) -> str:
    text = SEPARATOR.join([value if isinstance(value, str) else _text(value) for value in values])
    assert text.count(SEPARATOR) == count - 1, "an id with a separator"
    return text


def _text(value: Any) -> str:
    if not isinstance(value, tuple):
        return "" if value is None else str(int(value))
    if not value or not isinstance(value[0], TapLine):
        return encode_units(value)
    return ",".join([_line(line) for line in value])


def _line(line: TapLine) -> str:
    price = _text(line.expected_price_fen)
    return f"{line.product_id} {line.units} {price} {line.recipe_version}"


def _pattern(names: tuple[str, ...]) -> str:
    return "'^" + SEPARATOR.join(["([^|]*)"] * len(names)) + "$'"


def _concat(names: tuple[str, ...]) -> str:
    later = _later(names)
    used = " or ".join([f"{name} ~= ''" for name in later])
    return (
        _table(names[: len(names) - len(later)])
        + f" .. (({used}) and '{SEPARATOR}' .. {_table(later)} or '')"
    )


def _table(names: tuple[str, ...]) -> str:
    return "table.concat({" + ", ".join(names) + f"}}, '{SEPARATOR}')"


def _later(names: tuple[str, ...]) -> tuple[str, ...]:
    later = tuple(name for name in names if name in LATER_FIELDS)
    assert names[len(names) - len(later) :] == later
    return later


_PLACEHOLDERS = {
    "TAP": ", ".join(TAP_FIELDS),
    "TAP_PATTERN": _pattern(TAP_FIELDS),
    "ENTRY": _concat(ENTRY_FIELDS),
    "HOLD": ", ".join(HOLD_FIELDS),
    # A hold that an older version wrote has no units by item, no slot, no quotas or no coupon.
    "HOLD_PATTERN": _pattern(HOLD_FIELDS).replace("|([^|]*)" * 4 + "$", "|?([^|]*)" * 4 + "$"),
    "HOLD_TEXT": _concat(HOLD_FIELDS),
    "LINE_PATTERN": "'([^ ,]+) (%d+) (%d*) (%d+)'",
    "UNITS_PATTERN": "'([^ ,]+) (%d+)'",
    "STORES_PATTERN": "'([^| ]+)([^|]*)|'",
    "PREVIOUS": keys.OF_PREVIOUS,
    "FLASH": FLASH,
    "FLASH_PATTERN": "'^(%S+) (%d+) (%d+) (%d+) (%d+)$'",
    "PRODUCT_PATTERN": "'^(%d+) (%d+) (%d) ?(%d*)$'",
    "KEY_PATTERN": "'^(%S+) (%S+) (%d+) ?(%S*)$'",
    "NO_ENTRY": "'0-0'",
    "KEY_ADMITTED": f"'{_ADMITTED}'",
}
