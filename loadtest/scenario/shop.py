"""The shop that a scenario is made for, as a file for `linli db load`."""

import math

from loadtest.scenario.model import Scenario

_HEAD = """\
[brand]
id = "loadtest"
name = {{ zh = "压测", en = "Load test" }}
recording_days = {days}
[[stores]]
id = "loadtest-s1"
name = {{ zh = "压测店", en = "Load Test Store" }}
address = {{ zh = "小区门口", en = "At the gate" }}
latitude = 30.0
longitude = 120.0
[[rooms]]
id = "{room}"
store = "loadtest-s1"
title = {{ zh = "压测", en = "Load test" }}
[[staff]]
username = "loadtest"
name = "loadtest"
roles = ["host", "store"]
room = "{room}"
store = "loadtest-s1"
"""
_ESTATE = """\
[[estates]]
id = "loadtest-e{number}"
name = {{ zh = "压测小区 {number}", en = "Load Test Court {number}" }}
latitude = 30.0
longitude = 120.0
store = "loadtest-s1"
"""
_PRODUCT = """\
[[products]]
id = "loadtest-p{number}"
image = "/goods/spinach.svg"
name = {{ zh = "压测商品 {number}", en = "Load Test Product {number}" }}
unit = {{ zh = "份", en = "piece" }}
price_fen = 990
"""
_PART = """\
[[products]]
id = "loadtest-part-{number}-{part}"
image = "/goods/spinach.svg"
name = {{ zh = "压测配料 {number}-{part}", en = "Load Test Part {number}-{part}" }}
unit = {{ zh = "份", en = "piece" }}
price_fen = 390
stock = {stock}
"""
_GROUP = "group = {{ price_fen = 790, target = {target}, duration_s = {seconds} }}\n"


def shop_file(scenario: Scenario, factor: float = 1.0) -> str:
    """Return the TOML text; the stock is scaled by `factor`."""
    shop = scenario.shop
    stock = max(1, math.ceil(shop.stock * factor))
    parts = [_HEAD.format(room=scenario.room, days=int(scenario.has_replays))]
    parts += [_ESTATE.format(number=number + 1) for number in range(shop.estates)]
    numbers = range(1, shop.products + 1)
    items = range(1, shop.set_parts + 1)
    for number in numbers:
        parts.append(_PRODUCT.format(number=number))
        if items:
            ids = (f'{{ product = "loadtest-part-{number}-{part}" }}' for part in items)
            parts.append(f"parts = [{', '.join(ids)}]\n")
        else:
            parts.append(f"stock = {stock}\n")
        if shop.group_target:
            parts.append(_GROUP.format(target=shop.group_target, seconds=shop.group_s))
    # Last: hosts name products by their place in the file.
    parts += [
        _PART.format(number=number, part=part, stock=stock) for number in numbers for part in items
    ]
    return "".join(parts)
