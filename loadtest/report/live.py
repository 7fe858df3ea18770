"""A run on a terminal while it goes on: stages, rates, percentiles, errors, what falls short."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from loadtest.report.progress import Progress
from loadtest.report.result import Second
from loadtest.report.texts import Language, in_language, live_text, timing_name
from loadtest.report.units import bit_rate
from loadtest.scenario.measures import TIMINGS

SHOWN_S = 40
ERRORS_SHOWN = 5
RATES = (
    "room.messages",
    "chat.sent",
    "orders.tapped",
    "orders.confirmed",
    "media.packets",
    "media.bytes",
    "hls.parts",
    "replay.segments",
)
# These hold from the first moment on; others, such as `viewers.joined == 24`, only at the end.
_ALWAYS = ("<", "<=")
_BARS = " ▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float]) -> str:
    """Return the values as bars between 0 and their largest."""
    top = max(values, default=0.0)
    if top <= 0:
        return _BARS[1] * len(values)
    return "".join(_BARS[1 + min(7, int(value / top * 7.999))] for value in values)


def live_view(progress: Progress, language: Language = "en") -> RenderableType:
    """Return what the terminal shows now."""
    recent = progress.done[-SHOWN_S:]
    parts: list[RenderableType] = [_head(progress, language), _stages(progress), Text()]
    parts += [_rates(recent, language), Text(), _timings(recent, progress, language), Text()]
    parts += _short(progress)
    parts += [
        Text(f"{count:>8,} × {kind}", style="yellow")
        for kind, count in progress.total.errors.most_common(ERRORS_SHOWN)
    ]
    return Group(*parts)


def _head(progress: Progress, language: Language) -> Text:
    head = Text(progress.title[language], style="bold")
    head.append(f"   {progress.target}   ", style="dim")
    if progress.why_ended:
        why = in_language(progress.why_ended, language)
        return head.append(f"{live_text('ending', language)}{why}", style="yellow")
    return head.append(in_language(progress.phase, language), style="cyan")


def _stages(progress: Progress) -> Table:
    played_s, planned_s = progress.played_s, progress.plan.duration_s
    shown_s = min(played_s, planned_s)
    row = Table.grid(padding=(0, 2))
    row.add_row(
        ProgressBar(planned_s, shown_s, width=SHOWN_S),
        f"{_clock(shown_s)} / {_clock(planned_s)}",
        Text(progress.stage.name, style="bold cyan"),
    )
    return row


def _rates(recent: Sequence[Second], language: Language) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    population = [float(second.population) for second in recent]
    now = f"{int(population[-1]) if population else 0:,}"
    table.add_row(live_text("viewers", language), now, sparkline(population))
    for name in RATES:
        values = [float(second.counts.get(name, 0)) for second in recent]
        if any(values):
            rate = bit_rate(values[-1] * 8) if name == "media.bytes" else f"{values[-1]:,.0f} /s"
            table.add_row(live_text(name, language), rate, sparkline(values))
    return table


def _timings(recent: Sequence[Second], progress: Progress, language: Language) -> Table:
    table = Table(
        live_text("last second", language),
        "p50",
        "p95",
        "p99",
        live_text("worst", language).format(seconds=SHOWN_S),
        live_text("in all", language),
        box=None,
        pad_edge=False,
        header_style="dim",
        padding=(0, 2, 0, 0),
    )
    for name in TIMINGS:
        if name not in progress.total.delays:
            continue
        values = [second.delays.get(name) for second in recent]
        newest = next((value for value in reversed(values) if value), None)
        worst = sparkline([value.p99_ms if value else 0.0 for value in values])
        count = progress.total.delays[name].get_total_count()
        figures = (newest.p50_ms, newest.p95_ms, newest.p99_ms) if newest else ()
        cells = [f"{figure:,.1f}" for figure in figures] or ["", "", ""]
        table.add_row(timing_name(name, language), *cells, worst, f"{count:,}")
    return table


def _short(progress: Progress) -> list[Text]:
    """Return the thresholds that do not hold now and cannot mend themselves."""
    measures = progress.total.measured()
    bounds = {str(one): one for one in progress.thresholds}
    found = []
    for one in progress.judge(measures):
        threshold = bounds[one.threshold]
        final = threshold.comparison in _ALWAYS or (
            threshold.comparison == "==" and (one.measured or 0.0) > threshold.bound
        )
        if one.holds is False and final:
            found.append(Text(f"✗ {one.threshold}: {one.measured:,.6g}", style="bold red"))
    return found


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
