"""`linli plan` in words and as JSON."""

import json

import pytest
from typer.testing import CliRunner

from server.cli.main import app
from server.cli.plan import bits_per_s
from server.errors import OperatorError

EVENING = ["plan", "--viewers", "100000", "--lives", "300", "--bitrate", "1.4M"]


def test_a_plan_is_printed_with_its_assumptions() -> None:
    result = CliRunner().invoke(app, EVENING)
    assert result.exit_code == 0
    for word in (
        "nodes",
        "ports",
        "bandwidth",
        "Redis",
        "PostgreSQL",
        "assumed:",
        "performance.md",
    ):
        assert word in result.output


def test_a_plan_as_json_has_the_same_numbers() -> None:
    found = json.loads(CliRunner().invoke(app, [*EVENING, "--json"]).output)
    assert found["demand"]["viewers"] == 100_000
    assert found["nodes"] * found["node"]["workers"] == found["workers"]
    assert found["assumptions"]


def test_a_live_that_is_too_large_exits_with_1() -> None:
    result = CliRunner().invoke(app, ["plan", "--viewers", "10000000", "--lives", "1"])
    assert result.exit_code == 1
    assert "not carried" in result.output


@pytest.mark.parametrize(("text", "bps"), [("1.4M", 1.4e6), ("900k", 9e5), ("10G", 1e10), ("7", 7)])
def test_bitrates_are_read_with_their_unit(text: str, bps: float) -> None:
    assert bits_per_s("--bitrate", text) == bps


@pytest.mark.parametrize("text", ["", "fast", "-1M", "0", "1.4m", "nan"])
def test_what_is_no_bitrate_is_refused(text: str) -> None:
    with pytest.raises(OperatorError, match="--bitrate"):
        bits_per_s("--bitrate", text)
