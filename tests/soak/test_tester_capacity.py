"""What one core of the load tester carries: 1,000 WebRTC viewers, or 10,000 of a room.

Its CPU is its own, in seconds a second, joins included: other programs on the machine take none of
it. Where they hold the server up, packets may be missing; those that came are counted.
"""

from pathlib import Path

import pytest

from tests.support.loadtest_runs import loadtest, wrong

CPU_SHARE_MAX = 0.95
MEDIA = """
title = { en = "A thousand screens", zh = "一千块屏幕" }
thresholds = [
    "media.joined == 1000", "media.refused == 0", "media.ended == 0", "media.forged == 0",
    "media.packets > 3000000",
]
[[profiles]]
kind = "webrtc"
weight = 1
decode = 0
[[stages]]
name = "come"
seconds = 40
viewers = 1000
[[stages]]
name = "watch"
seconds = 30
viewers = 1000
[[host]]
at_s = 0
do = "live"
"""
ROOM = """
title = { en = "Ten thousand in a room", zh = "一个直播间一万人" }
thresholds = [
    "viewers.joined == 10000", "viewers.refused == 0", "room.lost == 0", "room.gaps == 0",
    "room.duplicates == 0", "room.behind == 0", "room.delivery.count > 500000",
]
[[profiles]]
kind = "lurker"
weight = 499
[[profiles]]
kind = "chatter"
weight = 1
think_s = { exponential = 13 }
[[stages]]
name = "come"
seconds = 100
viewers = 10000
[[stages]]
name = "watch"
seconds = 40
viewers = 10000
"""


@pytest.mark.parametrize(
    ("text", "counted"), [(MEDIA, "media.packets"), (ROOM, "room.messages")], ids=["media", "room"]
)
async def test_a_core_of_the_tester_carries_its_crowd(
    text: str, counted: str, tmp_path: Path
) -> None:
    scenario = tmp_path / "crowd.toml"
    scenario.write_text(text)
    _, report = await loadtest(tmp_path, str(scenario))
    seconds = report["seconds"]
    print(f"CPU {report['tester']['cpu_share']:.2f} s a second over {report['played_s']} s; ")
    print(f"{counted} {report['measures'][counted]:,.0f} in {len(seconds)} s; {report['notes']}")
    assert wrong(report) == []
    assert report["tester"]["cpu_share"] < CPU_SHARE_MAX
