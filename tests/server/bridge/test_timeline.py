"""The room's messages as a recording keeps them: in order, each at its second."""

import json
from typing import Any

from commerce.activities.questions import Question
from commerce.catalogue.recordings import Moment
from media.recording.index import HZ, Chunk, Epoch, Fragment, Index, Init
from rooms.messages import Counters, Tick
from server.bridge.channels.groups import Group, GroupChanged
from server.bridge.timeline import (
    ANSWER_AFTER_END_MS_MAX,
    answers_of,
    explain_line,
    line_of,
    moments_of,
    timeline,
)

BEGUN_MS = 1_700_000_000_000


def index_of(seconds: int) -> Index:
    index = Index()
    for entry in (
        Init(b"init"),
        Epoch(0, 0, BEGUN_MS, 1_000, "", 640, 360),
        Chunk("c"),
        Fragment(0, 10, 0, seconds * HZ, True),
    ):
        index.add(entry)
    return index


def pin(at_ms: int, product: str, media_time: int | None) -> bytes:
    card = {"product": {"id": product}, "pinned_at_ms": at_ms, "media_time": media_time}
    event = {"k": "pin", "card": card, "media_time": media_time}
    message = {"t": "tick", "events": [event]}
    return json.dumps({"at_ms": at_ms, "m": message}).encode() + b"\n"


def grown(at_ms: int, media_time: int | None) -> bytes:
    group = Group("g", "pear", "e1", 3, 10, 790, "open", BEGUN_MS)
    tick = Tick(epoch="e", offset=1, events=(GroupChanged(group=group, media_time=media_time),))
    line = line_of(at_ms, tick)
    assert line is not None
    return line


def said(at_ms: int) -> bytes:
    tick = Tick(epoch="e", offset=0, counters=Counters(3, 4), joins=("Li",))
    line = line_of(at_ms, tick)
    assert line is not None and b"Li" not in line, "who joined is not kept"
    return line


def shown(text: bytes) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(timeline(text, index_of(60)))["events"]
    return found


def test_a_card_is_shown_with_its_frame_and_what_came_before_it_not_later() -> None:
    text = said(BEGUN_MS + 500) + said(BEGUN_MS + 10_000)
    text += pin(BEGUN_MS + 10_300, "pear", 1_000 + round(9.8 * HZ)) + said(BEGUN_MS + 12_000)
    assert [each["s"] for each in shown(text)] == [0, 9.8, 9.8, 12]


def test_a_group_counter_moves_with_the_frame_of_its_media_time() -> None:
    text = said(BEGUN_MS) + grown(BEGUN_MS + 10_100, 1_000 + round(9.95 * HZ))
    text += grown(BEGUN_MS + 20_000, None)
    assert [each["s"] for each in shown(text)] == [0, 9.95, 20]
    assert shown(text)[1]["m"]["events"][0]["group"]["joined"] == 3


def test_a_line_that_is_torn_and_ticks_without_content_are_left_out() -> None:
    assert line_of(1, Tick(epoch="e", offset=3, joins=("Li",))) is None
    assert len(shown(said(BEGUN_MS) + b'{"at_ms":1,"m":{')) == 1
    assert shown(b"") == []


def test_moments_are_read_from_pins_and_from_the_explain_button() -> None:
    text = pin(10_000, "pear", 77) + explain_line(15_000, "pear") + explain_line(40_000, None)
    text += pin(50_000, "fig", None)
    pear = Moment("pear", 15_000, 40_000)
    assert moments_of(text, None) == [pear]
    assert moments_of(text, 60_000) == [pear, Moment("fig", 50_000, 60_000)]


def test_an_answer_has_its_place_also_where_the_host_was_away_and_none_after_the_recording() -> (
    None
):
    index = index_of(60)
    # Back after 100 s: the recording goes on at once.
    index.add(Epoch(0, 60 * HZ, BEGUN_MS + 160_000, None, "", 640, 360))
    index.add(Fragment(10, 10, 60 * HZ, 30 * HZ, True))
    after_s = (-1, 12.5, 80, 170, 195, 190 + ANSWER_AFTER_END_MS_MAX / 1_000 + 1)
    asked = [
        Question(str(n), "?", "Li", 2, BEGUN_MS, BEGUN_MS + round(second * 1_000))
        for n, second in enumerate(after_s)
    ]
    asked.append(Question("open", "?", "Li", 9, BEGUN_MS))
    answers = answers_of(asked, index)
    assert [each.start_ms for each in answers] == [0, 12_500, 60_000, 70_000, 90_000, None]
    assert {each.start_ms for each in answers_of(asked, Index())} == {None}
