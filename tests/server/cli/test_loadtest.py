"""`linli loadtest`: its commands, its one-line errors, its exit codes."""

import json
import tomllib
from contextlib import AbstractContextManager
from pathlib import Path
from unittest.mock import patch

import msgspec
import pytest
from typer.testing import CliRunner

from loadtest.errors import NoAnswer
from loadtest.report import result as result_module
from loadtest.report.result import Result, read_result
from loadtest.runner.agents import AgentsMissing
from loadtest.runner.run import Run
from loadtest.scenario.shipped import shipped_names, shipped_text
from server.cli.loadtest import loadtest_app
from server.errors import OperatorError
from tests.support.loadtest_results import loadtest_result

AT_HOME = ("--target", "http://127.0.0.1:9", "--host-token", "t")


def linli(*arguments: str) -> tuple[int, str]:
    """Run `linli loadtest …` in this process; return its exit code and what it printed."""
    result = CliRunner().invoke(loadtest_app, arguments)
    if isinstance(result.exception, OperatorError):
        raise result.exception
    return result.exit_code, result.output


def playing(
    found: Result, *, gone: bool = False, interrupted: bool = False
) -> AbstractContextManager[object]:
    """Have runs end at once with `found`."""

    async def play(run: Run) -> Result:
        run.progress.target_gone, run.interrupted = gone, interrupted
        return found

    return patch.object(Run, "play", play)


def test_the_list_names_every_shipped_scenario() -> None:
    code, text = linli("list")
    assert code == 0
    assert all(name in text for name in shipped_names())


def test_check_says_what_a_scenario_does() -> None:
    assert "140 viewers arrive" in linli("check", "evening", "--factor", "0.7")[1]


def test_a_shown_scenario_is_the_shipped_one() -> None:
    assert linli("show", "flash")[1] == shipped_text("flash")


def test_schemas_are_json() -> None:
    assert "stages" in json.loads(linli("schema")[1])["properties"]
    assert "verdict" in json.loads(linli("schema", "--report")[1])["$defs"]["Result"]["properties"]


def test_a_shop_file_is_toml_with_the_stock_scaled() -> None:
    text = linli("shop", "flash", "--factor", "0.1")[1]
    shop = tomllib.loads(text)
    assert shop["products"][0]["stock"] == 50
    assert len(shop["estates"]) == 10
    assert "group" not in shop["products"][0]


def test_a_misspelt_scenario_has_the_right_word() -> None:
    with pytest.raises(OperatorError, match="no scenario 'evenin'; did you mean 'evening'"):
        linli("evenin")


def test_a_broken_scenario_file_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text(shipped_text("evening").replace("weight = 66", "wieght = 66"))
    with pytest.raises(OperatorError, match=r"my\.toml:\d+: .*did you mean 'weight'"):
        linli(str(path))


def test_a_host_needs_a_token() -> None:
    with pytest.raises(OperatorError, match="linli token --role host --room loadtest"):
        linli("evening", "--target", "http://127.0.0.1:9")


def test_a_target_that_does_not_answer_is_one_line() -> None:
    async def play(run: Run) -> Result:
        raise NoAnswer("GET /api/rooms/loadtest: ConnectionRefusedError")

    with patch.object(Run, "play", play), pytest.raises(OperatorError, match="Refused"):
        linli("evening", *AT_HOME)


@pytest.mark.parametrize(
    ("seconds", "objections", "ended", "code"),
    [
        (4, (), {}, 0),
        (12, (), {}, 3),
        (4, ("late",), {}, 4),
        (4, ("gone",), {"gone": True}, 5),
        (4, ("stopped",), {"interrupted": True}, 130),
    ],
)
def test_exit_codes_tell_verdicts_apart(
    seconds: int, objections: tuple[str, ...], ended: dict[str, bool], code: int, tmp_path: Path
) -> None:
    found = loadtest_result(seconds, objections=objections)
    paths = [tmp_path / name for name in ("a.json", "a.xml", "a.html")]
    options = zip(("--json", "--junit", "--html"), map(str, paths), strict=True)
    with playing(found, **ended):
        words = (word for pair in options for word in pair)
        result = linli("evening", *AT_HOME, "--language", "en", *words)
    assert result[0] == code
    assert found.verdict.value.capitalize() in result[1]
    assert read_result(paths[0]) == found
    assert all(path.stat().st_size for path in paths)


def test_a_quiet_run_prints_one_line() -> None:
    with playing(loadtest_result(4)):
        assert linli("evening", *AT_HOME, "--quiet") == (0, "pass: every threshold holds\n")


@pytest.mark.parametrize(
    ("options", "locale"), [(("--language", "zh"), "en_US.UTF-8"), ((), "zh_CN.UTF-8")]
)
def test_the_end_of_a_run_is_told_in_the_operators_language(
    options: tuple[str, ...], locale: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", locale)
    with playing(loadtest_result(4, objections=("interrupted after 29 s",))):
        text = linli("evening", *AT_HOME, *options)[1]
    assert "无效: 29 秒后被中断" in text
    assert text.startswith("门槛")


def test_a_folder_that_is_not_there_ends_before_the_run(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="there is no folder"):
        linli("evening", *AT_HOME, "--json", str(tmp_path / "none" / "a.json"))


def test_a_full_disk_is_one_line_after_the_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> None:
        raise result_module.ReportError(f"the report {path} cannot be written: No space left")

    monkeypatch.setattr("server.cli.loadtest.write_file", full)
    with playing(loadtest_result(4)), pytest.raises(OperatorError, match="No space left"):
        linli("evening", *AT_HOME, "--json", str(tmp_path / "a.json"))


def test_comparing_ends_with_3_when_something_got_worse(tmp_path: Path) -> None:
    before, after = loadtest_result(4), loadtest_result(4, gaps=2)
    for name, found in (("a", before), ("b", after)):
        (tmp_path / f"{name}.json").write_bytes(msgspec.json.encode(found))
    paths = [str(tmp_path / f"{name}.json") for name in "ab"]
    code, text = linli("compare", *paths)
    assert code == 3
    assert "room.gaps" in text
    assert linli("compare", paths[0], paths[0])[0] == 0


def test_a_folder_without_reports_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="there is no report in"):
        linli("compare", str(tmp_path), str(tmp_path))


def test_a_run_that_is_interrupted_before_it_begins_ends_with_130() -> None:
    async def play(run: Run) -> Result:
        run.interrupted = True
        raise AgentsMissing("0 of 2 agents came before the run was interrupted")

    with patch.object(Run, "play", play):
        code, text = linli("evening", *AT_HOME)
    assert (code, text) == (130, "linli: 0 of 2 agents came before the run was interrupted\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--whip", "http://a/whip"), "named by --whep"),
        (("--whep", "http://a/whep", "--target", "http://a"), "named by --whep"),
        (("--whep", "http://a/whep"), "no place for viewers who are 'lurker'"),
    ],
)
def test_another_server_has_video_and_nothing_else(arguments: tuple[str, ...], words: str) -> None:
    with pytest.raises(OperatorError, match=words):
        linli("evening", *arguments)


def test_a_scenario_of_video_is_played_at_another_server(tmp_path: Path) -> None:
    path = tmp_path / "video.toml"
    path.write_text(
        'title = { en = "V", zh = "视" }\n'
        '[[profiles]]\nkind = "webrtc"\nweight = 1\n[[stages]]\nseconds = 1\n'
        '[[host]]\nat_s = 0\ndo = "live"\n'
    )
    with pytest.raises(OperatorError, match="give the server's --whip address"):
        linli(str(path), "--whep", "http://a/whep")
    asked: list[Run] = []

    async def play(run: Run) -> Result:
        asked.append(run)
        return loadtest_result(4)

    with patch.object(Run, "play", play):
        linli(str(path), "--whep", "http://a:1/b/whep", "--whip", "http://a:1/b/whip")
    (run,) = asked
    assert (run.request.url, run.request.room) == ("http://a:1", "")
    assert run.request.notes[0].startswith("The target is a server of WHIP and WHEP")
