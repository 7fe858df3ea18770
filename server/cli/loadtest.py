"""`linli loadtest SCENARIO`: what a set-up carries, seen from outside.

`list`, `check` and `schema` look after scenarios; anything else is the name of a scenario.
"""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from loadtest.errors import LoadError
from loadtest.scenario.model import Scenario
from loadtest.scenario.plan import make_plan
from loadtest.scenario.reading import ScenarioError, read_scenario, scenario_schema
from loadtest.scenario.shipped import shipped, shipped_names, shipped_text
from loadtest.scenario.words import did_you_mean
from server.errors import OperatorError

loadtest_app = typer.Typer(
    help="Find out what a set-up carries: viewers, chat, orders and an audit afterwards.",
    no_args_is_help=True,
)
Factor = Annotated[float, typer.Option(help="How many times the scenario's viewers.", min=0.001)]
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
    Console().print(table)


@loadtest_app.command()
def check(scenario: ScenarioName, factor: Factor = 1.0) -> None:
    """Read a scenario, say what is wrong with it, or what it will do."""
    read = load_scenario(scenario)
    try:
        plan = make_plan(read, factor)
    except LoadError as error:
        raise OperatorError(str(error)) from None
    console = Console()
    console.print(f"[bold]{read.title.en}[/]\n{read.title.zh}\n", highlight=False)
    table = Table("stage", "from", "until", "viewers then", box=None, pad_edge=False)
    for stage in plan.stages:
        there = plan.population(stage.end_s - 1e-6)
        table.add_row(stage.name, f"{stage.begin_s:g} s", f"{stage.end_s:g} s", f"{there:,}")
    console.print(table)
    console.print(
        f"\n{len(plan.arrivals):,} viewers arrive, at most {plan.peak:,} at a time; "
        f"{len(read.host)} steps of the host, {len(read.thresholds)} thresholds.",
        highlight=False,
    )


@loadtest_app.command()
def schema() -> None:
    """The JSON schema of scenario files, for editors."""
    print(json.dumps(scenario_schema(), ensure_ascii=False, indent=2))


@loadtest_app.command()
def show(scenario: ScenarioName) -> None:
    """The text of a scenario, to begin one's own with."""
    text = shipped_text(scenario) if scenario in shipped_names() else _text_of(scenario)
    print(text, end="")
