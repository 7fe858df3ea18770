"""Two months of six estates in a lake, small enough that each figure is counted by hand.

Last month and the one before are those of the clock. Three pilot estates buy from store s1, three
others from s2. On the 8th of the month before, one household of each buys for ¥100 (the baseline).
On the 8th of last month it does so again, and a week later more is bought:

    pilots     the same household, for ¥60, ¥50 and ¥40
    controls   another household, for ¥10 and ¥20; in the third estate ¥20 were bought more on the
               8th, and go back

So GMV grew by 6,000, 5,000 and 4,000 fen in pilots, by 1,000, 2,000 and 0 in controls: both
variances are 10⁶, so there are 4 degrees of freedom.
"""

from pathlib import Path

from msgspec.structs import replace

from insight.io.lake import Lake
from insight.io.writer import LakeWriter
from insight.kpi import month_before, month_begins_s
from insight.tables import day_of
from tests.support.lake_facts import FactMaker

BRAND = "linxian"
PILOTS = ("chunjiang", "lanyuan", "hebin")
CONTROLS = ("wutong", "taoyuan", "songtao")
GREW_FEN = {"chunjiang": 6_000, "lanyuan": 5_000, "hebin": 4_000, "wutong": 1_000, "taoyuan": 2_000}
SOURCE = "history"
MINUTE_MS = 60_000
DAY_MS = 86_400_000
NAMES = {
    "lanyuan": ("兰苑", "Orchid Court", "s1"),
    "hebin": ("河滨里", "Riverbank Lane", "s1"),
    "taoyuan": ("桃园", "Peach Garden", "s2"),
    "songtao": ("松涛苑", "Pine Court", "s2"),
}
# To be added to the shop file of the stories.
ESTATES = "".join(
    f"""
[[estates]]
id = "{id}"
name = {{ zh = "{zh}", en = "{en}" }}
latitude = 30.27
longitude = 120.16
store = "{store}"
"""
    for id, (zh, en, store) in NAMES.items()
)
PLAN = {"pilots": list(PILOTS), "stores": {"s1": {"area_m2": 50, "staff_hours": 300}}}


def last_month(now_ms: int) -> str:
    """The month whose figures are counted."""
    return month_before(day_of(now_ms)[:7])


def stock_out_minutes(now_ms: int) -> tuple[int, int]:
    """Minutes without tea, and all since it came on the 15th at 13:00."""
    month = last_month(now_ms)
    came_s = month_begins_s(month) + 14 * 86_400 + 13 * 3_600
    ends_s = month_begins_s(day_of(now_ms)[:7])
    return 3 * 60, (ends_s - came_s) // 60


def write_history(folder: Path, now_ms: int) -> None:
    """Write it to the lake of a data folder."""
    month = last_month(now_ms)
    history = _Two(FactMaker(source=SOURCE))
    for before in (True, False):
        begins_ms = month_begins_s(month_before(month) if before else month) * 1_000
        noon_ms = begins_ms + DAY_MS // 2
        for estate in PILOTS + CONTROLS:
            history.buy(f"{estate}-{before}", estate, f"{estate}-a", noon_ms + 7 * DAY_MS, 10_000)
        if not before:
            _last_month(history, noon_ms)
    lake = Lake(str(folder / "lake"))
    writer = LakeWriter(lake)
    writer.position(SOURCE)
    writer.write(history.maker.made)
    writer.refresh()


def _last_month(history: "_Two", noon_ms: int) -> None:
    """What is bought a week later, a refund, and goods that come, are sold and are thrown away."""
    eighth_ms, later_ms = noon_ms + 7 * DAY_MS, noon_ms + 14 * DAY_MS
    history.buy("back", "songtao", "songtao-a", eighth_ms, 2_000)
    history.add("money.moved", {"order_id": "back", "kind": "refund", "amount_fen": 2_000})
    for estate, fen in GREW_FEN.items():
        who = f"{estate}-{'a' if estate in PILOTS else 'b'}"
        history.buy(f"{estate}-more", estate, who, later_ms, fen)
    # Promised in half an hour: one is packed in time and handed over, the other is late.
    for order, estate, minutes in (
        ("chunjiang-more", "chunjiang", 20),
        ("wutong-more", "wutong", 40),
    ):
        history.at(estate, later_ms + minutes * MINUTE_MS)
        history.moved(order, 2, "new", "packed")
    history.at("chunjiang", later_ms + 50 * MINUTE_MS)
    history.moved("chunjiang-more", 3, "packed", "handed_over")
    history.at("", later_ms + 60 * MINUTE_MS)
    lot = {"product_id": "tea", "lot_id": "l", "kind": "receive"}
    history.add("lot.moved", {**lot, "from_id": "supplier", "to_id": "shop:s1", "units": 40})
    history.add("lot.moved", {**lot, "from_id": "shop:s1", "to_id": "waste", "units": 3})
    for hours, kind, units in (
        (0, "receive", 13),
        (2, "sell", 10),
        (3, "release", 2),
        (0, "sell", 1),
    ):
        history.at("", history.maker.at_ms + hours * 60 * MINUTE_MS)
        stock = {"product_id": "tea", "store_id": "s1", "kind": kind, "units": units}
        history.add("stock.moved", stock)


class _Two:
    """Facts of a brand with two stores."""

    def __init__(self, maker: FactMaker) -> None:
        self.maker = maker
        self._estate = ""

    def at(self, estate: str, at_ms: int) -> None:
        self._estate, self.maker.at_ms = estate, at_ms

    def buy(self, id: str, estate: str, person: str, at_ms: int, fen: int) -> None:
        self.at(estate, at_ms)
        first = len(self.maker.made)
        self.maker.order(id, ("tea", 1, fen), person=person)
        placed = self.maker.made[first]
        store = "s1" if estate in PILOTS else "s2"
        payload = {**placed.payload, "store_id": store}
        self.maker.made[first] = replace(placed, payload=payload)
        self._name(first)

    def add(self, topic: str, payload: dict[str, object]) -> None:
        self.maker.add(topic, payload, trace=str(payload.get("order_id", "")))
        self._name(len(self.maker.made) - 1)

    def moved(self, order: str, version: int, from_state: str, to_state: str) -> None:
        self.maker.moved(order, version, from_state, to_state)
        self._name(len(self.maker.made) - 1)

    def _name(self, first: int) -> None:
        made = self.maker.made
        made[first:] = [replace(fact, brand=BRAND, estate=self._estate) for fact in made[first:]]
