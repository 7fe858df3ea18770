"""`linli loadtest SCENARIO`: what a set-up carries, seen from outside.

`list`, `check` and `schema` look after scenarios; anything else is the name of a scenario.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from typer.core import TyperGroup

from loadtest.actors.standby import standby_command
from loadtest.errors import LoadError, first_of
from loadtest.report.compare import Change, compare
from loadtest.report.html import html_report
from loadtest.report.junit import junit_xml
from loadtest.report.live import live_view
from loadtest.report.result import Result, Verdict, read_result, result_schema, write_file
from loadtest.report.texts import TEXTS, Language, in_language, language_of, live_text
from loadtest.runner.agents import check_secret, parse_endpoint, serve_agent
from loadtest.runner.link import Link, LinkBroken
from loadtest.runner.run import Request, Run
from loadtest.runner.target import check_sources
from loadtest.runner.worker import work
from loadtest.scenario.model import Scenario
from loadtest.scenario.plan import make_plan
from loadtest.scenario.reading import ScenarioError, read_scenario, scenario_schema
from loadtest.scenario.shipped import shipped, shipped_names, shipped_text
from loadtest.scenario.shop import shop_file
from loadtest.scenario.words import did_you_mean
from server.cli.console import err, out
from server.cli.loadtest_target import HOST_TOKEN_VARIABLE, HQ_TOKEN_VARIABLE, target_of
from server.errors import OperatorError

EXIT_CODES = {Verdict.PASS: 0, Verdict.FAIL: 3, Verdict.INVALID: 4}
EXIT_TARGET_GONE = 5
REFRESH_S = 0.5
WORKERS_MAX = 64
EXIT_INTERRUPTED = 128 + signal.SIGINT
TOKEN_VARIABLE = "LINLI_LOADTEST_TOKEN"


class Interrupted(Exception):
    """The operator ended a run before it could say anything."""


class ScenarioGroup(TyperGroup):
    """Takes what is no command for the name of a scenario to run."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]  # typer's context is click's
        """Put `run` in front of a scenario."""
        if args and args[0] not in self.commands and args[0] not in ("--help", "-h"):
            args = ["run", *args]
        return super().parse_args(ctx, args)


loadtest_app = typer.Typer(
    cls=ScenarioGroup,
    help="Find out what a set-up carries: viewers, chat, orders and an audit afterwards.",
    no_args_is_help=True,
)
Factor = Annotated[float, typer.Option(help="How many times the scenario's viewers.", min=0.001)]
SharedSecret = Annotated[
    str,
    typer.Option(help="What coordinator and agents both know.", envvar="LINLI_LOADTEST_SECRET"),
]
Sources = Annotated[
    list[str] | None,
    typer.Option(
        "--source-address",
        help="An address of this machine from which viewers come; may be given many times.",
    ),
]
TimeFactor = Annotated[
    float, typer.Option(help="How many times as long its stages are.", min=0.001, max=10)
]
ScenarioName = Annotated[str, typer.Argument(help="A shipped scenario, or a TOML file.")]


def load_scenario(name: str) -> Scenario:
    """Return a shipped scenario or the one in the file `name`.

    Raises:
        OperatorError: There is none of the name, or it is broken.
    """
    try:
        if name in shipped_names():
            return shipped(name)
        return read_scenario(_text_of(name), name)
    except ScenarioError as error:
        raise OperatorError(str(error)) from None


def _text_of(name: str) -> str:
    try:
        return Path(name).read_text("utf-8")
    except FileNotFoundError:
        hint = did_you_mean(name, shipped_names()) or "; see `linli loadtest list`"
        raise OperatorError(f"there is no scenario {name!r}{hint}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(f"{name} cannot be read: {error}") from None


@loadtest_app.command("list")
def list_scenarios() -> None:
    """The scenarios that come with the program."""
    table = Table("scenario", "what it is", "viewers", "length", box=None, pad_edge=False)
    for name in shipped_names():
        scenario = shipped(name)
        plan = make_plan(scenario)
        table.add_row(name, scenario.title.en, f"{plan.peak:,}", f"{plan.duration_s:g} s")
    out.print(table)


@loadtest_app.command()
def check(scenario: ScenarioName, factor: Factor = 1.0, time_factor: TimeFactor = 1.0) -> None:
    """Read a scenario, say what is wrong with it, or what it will do."""
    read = load_scenario(scenario).stretched(time_factor)
    try:
        plan = make_plan(read, factor)
    except LoadError as error:
        raise OperatorError(str(error)) from None
    out.print(f"[bold]{read.title.en}[/]\n{read.title.zh}\n", highlight=False)
    table = Table("stage", "from", "until", "viewers then", box=None, pad_edge=False)
    for stage in plan.stages:
        there = plan.population(stage.end_s - 1e-6)
        table.add_row(stage.name, f"{stage.begin_s:g} s", f"{stage.end_s:g} s", f"{there:,}")
    out.print(table)
    out.print(
        f"\n{len(plan.arrivals):,} viewers arrive, at most {plan.peak:,} at a time; "
        f"{len(read.host)} steps of the host, {len(read.thresholds)} thresholds.",
        highlight=False,
    )


@loadtest_app.command()
def schema(
    report: Annotated[bool, typer.Option("--report", help="That of report files.")] = False,
) -> None:
    """The JSON schema of scenario files, for editors."""
    print(json.dumps(result_schema() if report else scenario_schema(), indent=2))


@loadtest_app.command()
def shop(scenario: ScenarioName, factor: Factor = 1.0) -> None:
    """The shop file that a scenario is made for: load it with `linli db load`."""
    print(shop_file(load_scenario(scenario), factor), end="")


@loadtest_app.command()
def run(
    scenario: ScenarioName,
    target: Annotated[
        str | None,
        typer.Option(help="Address of the installation. Default: a server of its own."),
    ] = None,
    room: Annotated[str | None, typer.Option(help="Room at the target.")] = None,
    factor: Factor = 1.0,
    time_factor: TimeFactor = 1.0,
    seed: Annotated[int | None, typer.Option(help="Instead of the scenario's.", min=0)] = None,
    workers: Annotated[
        int, typer.Option(help="Processes of the tester.", min=1, max=WORKERS_MAX)
    ] = 1,
    agents: Annotated[
        int, typer.Option(help="Agents on other machines to wait for.", min=0, max=WORKERS_MAX)
    ] = 0,
    listen: Annotated[
        str, typer.Option(help="HOST:PORT where agents join; a private network's.")
    ] = "127.0.0.1:7431",
    secret: SharedSecret = "",
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the report as JSON.", dir_okay=False)
    ] = None,
    junit: Annotated[
        Path | None, typer.Option(help="Write the verdict as JUnit XML.", dir_okay=False)
    ] = None,
    host_token: Annotated[
        str,
        typer.Option(
            help="Token of the room's host, for the host's script.", envvar=HOST_TOKEN_VARIABLE
        ),
    ] = "",
    source_address: Sources = None,
    hq_token: Annotated[
        str,
        typer.Option(
            help="Token of the target's head office: a shop is made there, and taken away after.",
            envvar=HQ_TOKEN_VARIABLE,
        ),
    ] = "",
    whep: Annotated[
        str, typer.Option(help="WHEP address of any other server: video only, without --target.")
    ] = "",
    whip: Annotated[
        str, typer.Option(help="WHIP address there, where the scenario's host goes live.")
    ] = "",
    html: Annotated[
        Path | None, typer.Option(help="Write the report as one HTML file.", dir_okay=False)
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No live view; one line at the end.")
    ] = False,
    language: Annotated[
        Language | None,
        typer.Option(help="Of what the terminal shows. Default: by LC_ALL, LC_MESSAGES or LANG."),
    ] = None,
    token: Annotated[
        str,
        typer.Option(
            help="The target's LINLI_LOADTEST_TOKEN: needed unless it is this machine.",
            envvar=TOKEN_VARIABLE,
        ),
    ] = "",
) -> None:
    """Play a scenario; exit with 0 pass, 3 fail, 4 invalid, 5 target gone, 130 interrupted."""
    read = load_scenario(scenario).stretched(time_factor)
    request = Request(
        read,
        scenario,
        target or "",
        room or read.room,
        host_token,
        token,
        factor,
        seed,
        workers,
        agents,
        listen,
        secret,
        whep=whep,
        whip=whip,
        sources=tuple(source_address or ()),
    )
    for path in (json_file, junit, html):
        if path and not path.absolute().parent.is_dir():
            raise OperatorError(f"there is no folder {path.absolute().parent} for the report")
    try:
        speaks = language or language_of(os.environ)
        shown = speaks if not quiet and out.is_terminal else None
        begun, result = uvloop.run(_play(request, hq_token, shown))
    except Interrupted as error:
        err.print(f"[red]linli:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(EXIT_INTERRUPTED)
    except LoadError as error:
        raise OperatorError(str(error)) from None
    except ExceptionGroup as group:
        if (failure := first_of(group)) is None:
            raise
        raise OperatorError(str(failure)) from None
    if quiet:
        print(result.summary())
    else:
        _show(result, speaks)
    _write(result, json_file, junit, html)
    if begun.progress.target_gone:
        sys.exit(EXIT_TARGET_GONE)
    if begun.interrupted:
        sys.exit(EXIT_INTERRUPTED)
    sys.exit(EXIT_CODES[result.verdict])


def _write(result: Result, json_file: Path | None, junit: Path | None, html: Path | None) -> None:
    """Write the reports that are wanted.

    Raises:
        OperatorError: One cannot be written; those before it are.
    """
    try:
        if json_file:
            write_file(json_file, result.json())
        if junit:
            write_file(junit, junit_xml(result))
        if html:
            write_file(html, html_report(result))
    except LoadError as error:
        raise OperatorError(str(error)) from None


@loadtest_app.command("compare")
def compare_reports(
    before: Annotated[Path, typer.Argument(help="A report, or a folder of several runs.")],
    after: Annotated[Path, typer.Argument(help="The same, of what is to be judged.")],
) -> None:
    """What got worse beyond the noise; exit with 3 if anything did."""
    try:
        found = compare(_reports(before), _reports(after))
    except LoadError as error:
        raise OperatorError(str(error)) from None
    table = Table("measure", "before", "after", "p", "", box=None, pad_edge=False)
    colors = {Change.WORSE: "red", Change.BETTER: "green", Change.SAME: "dim"}
    for one in found:
        p = "" if one.p is None else f"{one.p:.3f}"
        verdict = f"[{colors[one.change]}]{one.change}[/]"
        table.add_row(one.name, f"{one.before:,.5g}", f"{one.after:,.5g}", p, verdict)
    out.print(table)
    worse = sum(one.change is Change.WORSE for one in found)
    out.print(f"{worse} of {len(found)} measures got worse.", highlight=False)
    if worse:
        sys.exit(EXIT_CODES[Verdict.FAIL])


def _reports(path: Path) -> list[Result]:
    """Return the report, or all of a folder."""
    paths = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not paths:
        raise OperatorError(f"there is no report in {path}")
    return [read_result(one) for one in paths]


@loadtest_app.command()
def agent(
    coordinator: Annotated[str, typer.Argument(help="HOST:PORT of the run to join.")],
    secret: SharedSecret = "",
    source_address: Sources = None,
) -> None:
    """Join a run that another machine coordinates, and play a share of it."""
    try:
        check_secret(secret)
        sources = tuple(source_address or ())
        check_sources(sources)
        uvloop.run(serve_agent(*parse_endpoint(coordinator), secret, sources=sources))
    except LoadError as error:
        raise OperatorError(str(error)) from None
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)


@loadtest_app.command(hidden=True)
def worker() -> None:
    """Play a share for the coordinator at standard input and output."""
    uvloop.run(_work())


@loadtest_app.command(hidden=True)
def host(
    clip: Annotated[Path | None, typer.Argument()] = None,
    token: Annotated[str, typer.Option(envvar="LINLI_PUBLISH_TOKEN")] = "",
) -> None:
    """Stand by for a run's coordinator at standard input and output, and go live at its order."""
    sys.exit(standby_command(token, clip))


async def _work() -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    transport, protocol = await loop.connect_write_pipe(
        asyncio.streams.FlowControlMixin, sys.stdout
    )
    with contextlib.suppress(LinkBroken):
        await work(Link(reader, asyncio.StreamWriter(transport, protocol, None, loop)))


async def _play(request: Request, hq_token: str, shown: Language | None) -> tuple[Run, Result]:
    async with target_of(request, hq_token) as request:
        running = Run(request)
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task

        def interrupt() -> None:
            """The first signal ends the run in order, the second at once."""
            if running.interrupted:
                task.cancel()
            running.interrupt()

        signals = (signal.SIGINT, signal.SIGTERM)
        for number in signals:
            loop.add_signal_handler(number, interrupt)
        try:
            async with _live(running, shown) if shown else contextlib.nullcontext():
                return running, await running.play()
        except asyncio.CancelledError:
            raise Interrupted("ended at once: no report, and nothing was taken away") from None
        except LoadError as error:
            if running.interrupted:
                raise Interrupted(str(error)) from None
            raise
        finally:
            for number in signals:
                loop.remove_signal_handler(number)


@contextlib.asynccontextmanager
async def _live(running: Run, language: Language) -> AsyncIterator[None]:
    """Show the run on the terminal while it goes on."""
    with Live(console=out, auto_refresh=False, transient=True) as screen:

        async def refresh() -> None:
            while True:
                screen.update(live_view(running.progress, language), refresh=True)
                await asyncio.sleep(REFRESH_S)

        task = asyncio.create_task(refresh())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def _show(result: Result, language: Language) -> None:
    heads = [TEXTS[name][language == "en"] for name in ("threshold", "measured")]
    table = Table(*heads, "", box=None, pad_edge=False)
    for one in result.thresholds:
        mark = {True: "[green]✓[/]", False: "[red]✗[/]", None: "[yellow]?[/]"}[one.holds]
        table.add_row(one.threshold, "" if one.measured is None else f"{one.measured:,.6g}", mark)
    out.print(table)
    for kind, count in list(result.errors.items())[:10]:
        out.print(f"[dim]{count:,} × {kind}[/]", highlight=False)
    for note in result.notes:
        out.print(f"[dim]{in_language(note, language)}[/]", highlight=False)
    color = {Verdict.PASS: "green", Verdict.FAIL: "red", Verdict.INVALID: "yellow"}
    words = [in_language(reason, language) for reason in result.reasons()]
    said = "; ".join(words) or live_text("holds", language)
    verdict = TEXTS[result.verdict.value][language == "en"]
    out.print(f"[bold {color[result.verdict]}]{verdict}: {said}[/]", highlight=False)


@loadtest_app.command()
def show(scenario: ScenarioName) -> None:
    """The text of a scenario, to begin one's own with."""
    text = shipped_text(scenario) if scenario in shipped_names() else _text_of(scenario)
    print(text, end="")
