"""The load tester against a real server: its shipped scenarios, small, and in processes."""

from pathlib import Path

import pytest

from loadtest.scenario.shipped import shipped_names
from tests.support.loadtest_runs import loadtest, wrong
from tests.support.running import PASSWORD, running

MEDIA = """
title = {{ en = "Video", zh = "视频" }}
thresholds = [
    "media.joined == 5", "media.refused == 0", "media.forged == 0", "media.ended == 0",
    "media.packets > 1000", "media.layer_changes == 0", "media.first_frame.count == 1",
    "glass.webrtc.count > 100", "glass.hls.count > 10", "host.failed == 0",
    "hls.joined == 5", "hls.refused == 0", "hls.failed == 0", "hls.ended == 0", "hls.parts > 50",
]
[[profiles]]
kind = "webrtc"
weight = 1
[[profiles]]
kind = "hls"
weight = 1
[[stages]]
seconds = 45
viewers = 10
[[stages]]
seconds = 15
viewers = 10
[[host]]
at_s = 0
do = "live"
road = "{road}"
"""
REPLAY = """
title = { en = "Replay", zh = "回放" }
thresholds = [
    "replay.joined == 5", "replay.refused == 0", "replay.failed == 0", "replay.segments > 20",
    "host.failed == 0",
]
[[profiles]]
kind = "replay"
weight = 1
[[stages]]
seconds = 60
viewers = 5
[[host]]
at_s = 0
do = "live"
[[host]]
at_s = 20
do = "end"
"""
# A threshold for each fault that a test plants: a dropped or doubled event, a doubled order,
# an oversold unit, a frozen frame, a forged packet, a delay of 300 ms.
FAULTLESS = """
title = { en = "Without a fault", zh = "没有故障" }
thresholds = [
    "viewers.refused == 0", "room.gaps == 0", "room.duplicates == 0", "room.behind == 0",
    "room.delivery.count > 100", "room.delivery.p99_ms < 300", "pins.missed == 0",
    "host.failed == 0", "orders.confirmed > 0", "orders.unanswered == 0", "orders.oversold == 0",
    "orders.lost == 0", "orders.doubled == 0", "orders.counter_difference == 0",
    "orders.refunds_owed == 0", "groups.seats_difference == 0", "media.joined > 0",
    "media.refused == 0", "media.ended == 0", "media.missing == 0", "media.forged == 0",
    "media.freezes == 0", "glass.frames > 100", "glass.freezes == 0", "glass.repeated == 0",
    "glass.webrtc.p50_ms < 300",
]
[shop]
estates = 2
products = 2
stock = 20
set_parts = 2
group_target = 3
[[profiles]]
kind = "chatter"
weight = 4
think_s = { exponential = 4 }
[[profiles]]
kind = "buyer"
weight = 4
think_s = { exponential = 3 }
[[profiles]]
kind = "inviter"
weight = 1
think_s = { exponential = 3 }
[[profiles]]
kind = "flapper"
weight = 1
think_s = { uniform = [5, 8] }
[[profiles]]
kind = "webrtc"
weight = 2
[[stages]]
seconds = 4
viewers = 36
[[stages]]
seconds = 16
viewers = 36
[[host]]
at_s = 0
do = "live"
[[host]]
at_s = 5
do = "flash"
product = 1
within_s = 2
[[host]]
at_s = 8
do = "pin"
product = 2
"""


@pytest.mark.parametrize("name", shipped_names())
async def test_a_shipped_scenario_finds_no_fault(name: str, tmp_path: Path) -> None:
    time_factor = "0.02" if name == "soak" else "0.2"
    _, report = await loadtest(tmp_path, name, "--factor", "0.02", "--time-factor", time_factor)
    assert wrong(report) == []


async def test_processes_share_a_run(tmp_path: Path) -> None:
    _, report = await loadtest(tmp_path, "flash", "--factor", "0.05", "--workers", "3")
    assert wrong(report) == []
    assert report["workers"] == 3
    assert report["measures"]["orders.confirmed"] == 25


@pytest.mark.parametrize("road", ["whip", "rtmp"])
async def test_video_viewers_count_every_packet(road: str, tmp_path: Path) -> None:
    scenario = tmp_path / "video.toml"
    scenario.write_text(MEDIA.format(road=road))
    _, report = await loadtest(tmp_path, str(scenario))
    assert wrong(report) == []


async def test_a_shop_is_made_for_a_run_and_taken_away_after_it(tmp_path: Path) -> None:
    async with running(tmp_path, LINLI_RATE_LIMITS="false") as server, server.client() as client:
        office = ("--name-zh", "压", "--name-en", "LT", "--username", "boss", "--password-stdin")
        await server.linli("brand", "create", "ltb", *office, stdin=f"{PASSWORD}\n")
        login = await client.post("/api/login", json={"username": "boss", "password": PASSWORD})
        token = login.json()["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        small = ("--factor", "0.02", "--time-factor", "0.1")
        target = ("--target", server.url, "--hq-token", token)
        _, report = await loadtest(tmp_path, "friday-eight", *small, *target)
        goods = (await client.get("/api/hq/products")).json()["rows"]
        staff = (await client.get("/api/hq/staff")).json()["rows"]
    assert wrong(report) == []
    assert report["measures"]["orders.confirmed"] > 0
    assert not any(product["on_sale"] for product in goods)
    assert sorted(product["kind"] for product in goods) == ["item"] * 6 + ["set"] * 2
    assert {one["name"]: one["active"] for one in staff} == {"boss": True, report["room"]: False}


async def test_replay_viewers_watch_what_was_recorded(tmp_path: Path) -> None:
    scenario = tmp_path / "replay.toml"
    scenario.write_text(REPLAY)
    _, report = await loadtest(tmp_path, str(scenario))
    assert wrong(report) == []


@pytest.mark.parametrize("seed", range(10))
async def test_ten_runs_without_a_fault_find_none(seed: int, tmp_path: Path) -> None:
    """Of an idle machine: a run that is invalid has proved nothing, and counts as a failure."""
    scenario = tmp_path / "faultless.toml"
    scenario.write_text(FAULTLESS)
    exit_code, report = await loadtest(tmp_path, str(scenario), "--seed", str(seed))
    failed = [one for one in report["thresholds"] if one["holds"] is not True]
    assert (failed, report["objections"]) == ([], [])
    assert (exit_code, report["verdict"]) == (0, "pass")
