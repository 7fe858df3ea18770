"""A result as one HTML file that needs no network: verdict, plots, audit; in both languages."""

from collections.abc import Callable, Iterable, Sequence
from html import escape
from importlib.resources import files

from loadtest.report.plots import COLORS, curve_plot, series_plot
from loadtest.report.result import Judged, Result, Second
from loadtest.report.texts import AUDIT, LINES, PLOTS, TEXTS, TIMING_NAMES, in_chinese

ERRORS_SHOWN = 30
MARKS = {
    True: '<b class="good">✓</b>',
    False: '<b class="bad">✗</b>',
    None: '<b class="none">?</b>',
}

Text = tuple[str, str]


def html_report(result: Result) -> bytes:
    """Return the file."""
    style = (files("loadtest.report") / "report.css").read_text("utf-8")
    body = "".join(
        part(result)
        for part in (_head, _thresholds, _audit, _plots, _curves, _errors, _stages, _tester)
    )
    title = escape(result.title["en"])
    page = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{title}</title><style>{style}</style>"
        '<input type="radio" name="lang" id="zh"><input type="radio" name="lang" id="en" checked>'
        '<nav><label for="zh" lang="zh">中文</label><label for="en" lang="en">English</label></nav>'
        f"<main>{body}</main></html>"
    )
    return page.encode()


def both(texts: Text) -> str:
    """Return a text in both languages, of which the style sheet shows one."""
    zh, en = texts
    if zh == en:
        return escape(en)
    return f'<span lang="zh">{escape(zh)}</span><span lang="en">{escape(en)}</span>'


def _t(name: str) -> str:
    return both(TEXTS[name])


def _head(result: Result) -> str:
    verdict = result.verdict.value
    reasons = "".join(f"<li>{both(in_chinese(one))}</li>" for one in result.reasons())
    facts = [
        ("target", escape(f"{result.target} · {result.room}")),
        ("began", escape(result.started_at.replace("T", " ").replace("+00:00", " UTC"))),
        ("length", f"{result.played_s:,.0f} / {result.planned_s:,.0f} s"),
        ("factor", f"{result.factor:g} · {result.seed}"),
        ("joined", f"{result.measures['viewers.joined'] + result.measures['media.joined']:,.0f}"),
        ("workers", str(result.workers)),
    ]
    cells = "".join(f"<div><dt>{_t(name)}</dt><dd>{value}</dd></div>" for name, value in facts)
    return (
        f'<header class="{verdict}"><h1>{both((result.title["zh"], result.title["en"]))}</h1>'
        f'<p class="verdict">{_t(verdict)}</p><ul>{reasons}</ul></header><dl>{cells}</dl>'
    )


def _thresholds(result: Result) -> str:
    return _section(
        "thresholds", _table(("threshold", "measured", ""), map(_judged, result.thresholds))
    )


def _judged(one: Judged) -> list[str]:
    measured = "–" if one.measured is None else f"{one.measured:,.6g}"
    return [f"<code>{escape(one.threshold)}</code>", measured, MARKS[one.holds]]


def _audit(result: Result) -> str:
    rows = []
    for name, texts in AUDIT.items():
        count = result.measures[name]
        rows.append([both(texts), f"{count:,.0f}", MARKS[count == 0]])
    counts = ("orders.tapped", "orders.confirmed", "orders.sold_out", "orders.refused")
    sold = " · ".join(f"<code>{name}</code> {result.measures[name]:,.0f}" for name in counts)
    return _section("audit", _table(("", "count", ""), rows) + f"<p>{sold}</p>")


def _plots(result: Result) -> str:
    parts = []
    for texts, counts in PLOTS:
        lines = {name: _line(result.seconds, _counted(count)) for name, count in counts.items()}
        lines = {name: line for name, line in lines.items() if any(y for _, y in line)}
        if lines:
            plot = series_plot(lines, result.stages, texts[1])
            parts.append(_figure(both(texts), plot, lines))
    for timing, texts in TIMING_NAMES.items():
        timed = [
            (second.second, second.delays[timing])
            for second in result.seconds
            if timing in second.delays
        ]
        if timed:
            lines = {
                "p50": [(at, value.p50_ms) for at, value in timed],
                "p95": [(at, value.p95_ms) for at, value in timed],
                "p99": [(at, value.p99_ms) for at, value in timed],
            }
            plot = series_plot(lines, result.stages, texts[1])
            caption = f"{both(texts)} (ms) <code>{timing}</code>"
            parts.append(_figure(caption, plot, lines))
    return _section("course", _beside(parts))


def _figure(caption: str, plot: str, names: Iterable[str]) -> str:
    keys = [
        f'<span><i style="background:{color}"></i>{both(LINES.get(name, (name, name)))}</span>'
        for name, color in zip(names, COLORS, strict=False)
    ]
    key = f'<p class="keys">{"".join(keys)}</p>' if len(keys) > 1 else ""
    return f"<figure><figcaption>{caption}</figcaption>{plot}{key}</figure>"


def _counted(count: str) -> Callable[[Second], float]:
    if count == "population":
        return lambda second: float(second.population)
    if count == "media.bits":
        return lambda second: second.counts.get("media.bytes", 0) * 8.0
    if count == "stall_ms":
        return lambda second: second.stall_ms
    return lambda second: float(second.counts.get(count, 0))


def _line(seconds: Sequence[Second], value: Callable[[Second], float]) -> list[tuple[float, float]]:
    return [(float(second.second), value(second)) for second in seconds]


def _curves(result: Result) -> str:
    parts = []
    for timing, texts in TIMING_NAMES.items():
        if curve := result.curves.get(timing):
            plot = curve_plot({timing: curve}, texts[1])
            parts.append(_figure(f"{both(texts)} (ms)", plot, ()))
    return _section("curves", _beside(parts))


def _errors(result: Result) -> str:
    rows = [[escape(kind), f"{count:,}"] for kind, count in list(result.errors.items())]
    if not rows:
        return _section("errors", f"<p>{_t('no_errors')}</p>")
    return _section("errors", _table(("kind", "count"), rows[:ERRORS_SHOWN]))


def _stages(result: Result) -> str:
    rows = [
        [escape(span.name), f"{span.begin_s:,.0f} s", f"{span.end_s:,.0f} s"]
        for span in result.stages
    ]
    return _section("stages", _table(("stage", "from", "until"), rows))


def _tester(result: Result) -> str:
    tester, machine = result.tester, result.machine
    rows = [
        [_t("lag"), f"{tester.lag_p99_ms:,.1f} / {tester.lag_max_ms:,.1f} ms"],
        [_t("cpu"), f"{tester.cpu_share:.0%}"],
        [_t("others"), f"{tester.others_cores:.1f}"],
        [_t("clock"), f"{tester.clock_step_ms:.1f} ms"],
        [_t("sockets"), f"{tester.own_errors}"],
        [_t("machine"), escape(f"{machine['cpu']}, {machine['cores']}, {machine['python']}")],
    ]
    notes = "".join(f"<p>{both(in_chinese(note))}</p>" for note in result.notes)
    return _section("tester", _table(("", ""), rows) + notes)


def _beside(figures: Sequence[str]) -> str:
    return f'<div class="plots">{"".join(figures)}</div>'


def _section(name: str, body: str) -> str:
    return f"<section><h2>{_t(name)}</h2>{body}</section>"


def _table(heads: Sequence[str], rows: "map[list[str]] | Sequence[list[str]]") -> str:
    head = "".join(f"<th>{_t(name) if name else ''}</th>" for name in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    top = f"<thead><tr>{head}</tr></thead>" if any(heads) else ""
    return f"<table>{top}<tbody>{body}</tbody></table>"
