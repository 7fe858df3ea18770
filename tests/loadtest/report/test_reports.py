"""Reports of a run: the HTML file, JUnit XML, JSON, and the terminal while it goes on."""

import re
import xml.etree.ElementTree as ET
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from loadtest.measure.recorder import Recorder
from loadtest.measure.self_check import SelfCheck
from loadtest.report.html import html_report
from loadtest.report.junit import junit_xml
from loadtest.report.live import RATES, live_view, sparkline
from loadtest.report.plots import POINTS_MAX, curve_plot, nice_top, series_plot, thinned
from loadtest.report.progress import SETTLED_AFTER
from loadtest.report.result import (
    ReportError,
    Span,
    Verdict,
    read_result,
    write_file,
)
from loadtest.report.texts import AUDIT, LIVE, TIMING_NAMES, in_chinese, language_of
from loadtest.scenario.measures import COUNTS, TIMINGS
from tests.support.loadtest_results import loadtest_progress, loadtest_result


class Balanced(HTMLParser):
    """Collects what is open, and every address that a browser would load."""

    VOID = frozenset({"meta", "input", "path", "rect", "polyline", "circle"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.seen: Counter[str] = Counter()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen[tag] += 1
        self.loads += [str(value) for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen[tag] += 1

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_needs_no_network() -> None:
    page = html_report(loadtest_result(gaps=1)).decode()
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []
    assert parser.loads == []
    assert parser.seen["script"] == 0
    assert not re.search(r"url\(|@import", page)
    assert parser.seen["svg"] == 4  # viewers, messages, joins, and their curve


def test_the_page_has_every_text_in_both_languages() -> None:
    page = html_report(loadtest_result()).decode()
    assert page.count('<span lang="zh">') == page.count('<span lang="en">') > 30
    assert set(TIMING_NAMES) == set(TIMINGS)
    assert set(AUDIT) <= set(COUNTS)


def test_the_page_names_what_does_not_hold() -> None:
    page = html_report(loadtest_result(gaps=3)).decode()
    assert '<header class="fail">' in page
    assert '<span lang="en">room.gaps == 0 (measured 3)</span></li>' in page
    assert "close 3008 &lt;b&gt;" in page


def test_a_verdict_needs_a_valid_run() -> None:
    assert loadtest_result().verdict is Verdict.FAIL  # joins of up to 11 ms
    assert loadtest_result(seconds=4).verdict is Verdict.PASS
    assert loadtest_result(seconds=4, objections=("late",)).verdict is Verdict.INVALID


def test_junit_has_a_case_for_each_threshold_and_one_for_the_run() -> None:
    suite = ET.fromstring(junit_xml(loadtest_result(gaps=1, objections=("a \x00 b",))))
    assert suite.attrib["tests"] == "4"
    assert [suite.attrib[name] for name in ("failures", "errors", "skipped")] == ["2", "1", "1"]
    assert [len(case) for case in suite] == [1, 1, 1, 1]


def test_a_report_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_file(path, loadtest_result().json())
    assert read_result(path) == loadtest_result()
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b'{"format": "x"}'])
def test_what_is_no_report_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(data)
    with pytest.raises(ReportError, match="is no report"):
        read_result(path)


def test_a_report_of_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(loadtest_result(), format=9)))
    with pytest.raises(ReportError, match="has format 9"):
        read_result(path)


def test_a_full_disk_is_one_line_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> int:
        path.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ReportError, match=r"a\.json cannot be written: No space left on device"):
        write_file(tmp_path / "a.json", b"x")
    assert list(tmp_path.iterdir()) == []


def test_a_report_to_a_device_is_written_into_it(tmp_path: Path) -> None:
    path = tmp_path / "full"
    path.symlink_to("/dev/full")
    with pytest.raises(ReportError, match="full cannot be written: No space left on device"):
        write_file(path, b"x")
    assert path.is_symlink()


@pytest.mark.parametrize(
    ("sentence", "chinese"),
    [
        *((sentence, "") for sentence in SelfCheck(500.0, 500.0, 1.0, 0.0, 900.0, 3).objections()),
        (
            "the tester was held up for up to 430 ms: without those 2 s nothing speaks against a",
            "除去受影响的 2 秒，a 并未违反",
        ),
        ("The tester was held up in 3 s of the run, for up to 430 ms.", "最长 430 毫秒"),
        ("room.gaps == 0 (measured 2)", "room.gaps == 0（实测 2）"),
        ("2 of the tester's 4 processes died", "测试器的 4 个进程中有 2 个中途退出"),
        ("interrupted after 29 s", "29 秒后被中断"),
    ],
)
def test_reasons_are_in_both_languages(sentence: str, chinese: str) -> None:
    zh, en = in_chinese(sentence)
    assert en == sentence != zh
    assert chinese in zh
    assert in_chinese("something else") == ("something else", "something else")


def shown(view: Any) -> str:
    console = Console(width=100, record=True, file=open("/dev/null", "w"), color_system=None)
    with console.file:
        console.print(view)
    return console.export_text()


def test_the_live_view_shows_the_load_and_what_falls_short() -> None:
    text = shown(live_view(loadtest_progress(gaps=2)))
    assert "✗ room.gaps == 0: 2" in text
    assert "✗ join.p99_ms < 5: 11" in text
    assert "2 × close 3008 <b>" in text
    assert re.search(r"messages received +5 /s", text)
    assert "taps" not in text


def test_the_live_view_speaks_chinese_too() -> None:
    progress = loadtest_progress(gaps=2)
    text = shown(live_view(progress, "zh"))
    assert "一场" in text and "准备中" in text
    assert re.search(r"收到的消息 +5 /s", text)
    assert "进入直播间" in text and "毫秒，最近一秒" in text
    progress.why_ended = "interrupted after 29 s"
    assert "正在结束：29 秒后被中断" in shown(live_view(progress, "zh"))
    assert "ending: interrupted after 29 s" in shown(live_view(progress, "en"))
    assert set(RATES) <= set(LIVE)


def test_video_is_shown_in_bits_a_second() -> None:
    progress = loadtest_progress()
    for second in progress.done:
        second.counts["media.bytes"] = 192_000
    assert re.search(r"video +1.54 Mbit/s", shown(live_view(progress)))
    page = html_report(msgspec.structs.replace(loadtest_result(), seconds=progress.done)).decode()
    assert "Bit rate of the media (bit/s)" in page
    assert ">2 M</text>" in page


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LC_ALL": "", "LC_MESSAGES": "zh_TW", "LANG": "en_US"}, "zh"),
    ],
)
def test_the_terminals_language_is_that_of_posix(
    environment: dict[str, str], language: str
) -> None:
    assert language_of(environment) == language


def test_a_view_of_nothing_yet_is_no_error() -> None:
    assert "preparing" in shown(live_view(loadtest_progress(seconds=0 + 1)))


def test_a_late_second_counts_and_settled_ones_stay() -> None:
    run = loadtest_progress(seconds=10)
    assert [second.second for second in run.done] == list(range(10 - SETTLED_AFTER))
    late = Recorder()
    late.counts["room.messages"] = 7
    run.add(late.cut(2))
    assert sum(second.counts.get("room.messages", 0) for second in run.all_seconds()) == 57
    assert run.total.counts["room.messages"] == 57


@given(st.lists(st.floats(0, 1e12), min_size=1, max_size=2_000))
def test_plots_take_any_values(values: list[float]) -> None:
    line = [(float(at), value) for at, value in enumerate(values)]
    spans = [Span("a & b", 0.0, len(values) / 2), Span("c", len(values) / 2, float(len(values)))]
    for plot in (series_plot({"a": line}, spans, "<"), curve_plot({"a": [(99.0, values[0])]}, "<")):
        ET.fromstring(plot)
    kept = thinned(line)
    assert len(kept) <= POINTS_MAX
    assert max(y for _, y in kept) == max(values)
    assert nice_top(max(values)) >= max(values) * (1 - 1e-6)
    assert len(sparkline(values)) == len(values)
