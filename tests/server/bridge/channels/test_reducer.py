"""The shared examples of what a client makes of snapshot and ticks; browsers run them, too."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rooms.log import Position
from rooms.messages import Tick
from rooms.rules import apply_tick
from rooms.state import State
from server.bridge.channels.registry import RULES, ChannelEvent, RoomState, StoreState
from tests.support.room_replica import tick_of

VECTORS = Path(__file__).parents[3] / "vectors" / "room_reducer.json"
CASES: list[dict[str, Any]] = json.loads(VECTORS.read_text())["cases"]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_reducer_matches_the_shared_vectors(case: dict[str, Any]) -> None:
    kind: type[State] = StoreState if case["channel"] == "store:s1" else RoomState
    state: State = msgspec.convert(case["snapshot"]["state"], kind)
    position: Position | None = Position(case["snapshot"]["epoch"], case["snapshot"]["offset"])
    for tick in case["ticks"]:
        assert position is not None
        fitting = fit(position, tick)
        if fitting is None:
            position = None
            break
        state = apply_tick(RULES, state, fitting)
        position = Position(position.epoch, tick["offset"])
    assert json.loads(msgspec.json.encode(state)) == case["state"]
    expected = case["position"]
    assert position == (expected and Position(expected["epoch"], expected["offset"]))


def fit(position: Position, tick: dict[str, Any]) -> Tick | None:
    """Follow docs/protocol.md: the tick without what was seen already, or None for a gap."""
    new = [event for event in tick.get("events", ()) if event["o"] > position.offset]
    numbers = [event["o"] for event in new]
    end = position.offset + len(new)
    whole = numbers == list(range(position.offset + 1, end + 1)) and tick["offset"] == end
    if tick["epoch"] != position.epoch or not whole:
        return None
    known = [event for event in new if _is_known(event)]
    return tick_of({**tick, "events": known})


def _is_known(event: dict[str, Any]) -> bool:
    try:
        msgspec.convert(event, ChannelEvent)
    except msgspec.ValidationError:
        return False
    return True
