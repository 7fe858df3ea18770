"""From the text of a TOML file to a scenario, or to lines that say what is wrong and where."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from loadtest.errors import LoadError
from loadtest.scenario.distributions import Distribution
from loadtest.scenario.model import HostStep, Profile, Scenario, Shop, Stage, Title
from loadtest.scenario.toml_lines import line_of
from loadtest.scenario.words import did_you_mean

_TABLES: dict[str, type[BaseModel]] = {
    "title": Title,
    "shop": Shop,
    "profiles": Profile,
    "stages": Stage,
    "host": HostStep,
    "think_s": Distribution,
    "stay_s": Distribution,
    "pause_s": Distribution,
}
_TOML_PLACE = re.compile(r"\(at line (\d+), column \d+\)|\(at end of document\)")


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong in a scenario."""

    line: int
    text: str


class ScenarioError(LoadError):
    """A scenario cannot be used; `mistakes` says why, in the order of the file."""

    def __init__(self, name: str, mistakes: list[Mistake]) -> None:
        super().__init__(name, mistakes)
        self.name = name
        self.mistakes = mistakes

    def __str__(self) -> str:
        return "; ".join(f"{self.name}:{mistake.line}: {mistake.text}" for mistake in self.mistakes)


def read_scenario(text: str, name: str) -> Scenario:
    """Return the scenario that `text` describes; `name` is for messages.

    Raises:
        ScenarioError: It is not TOML, or not a scenario.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(name, [_not_toml(str(error), text)]) from None
    try:
        return Scenario.model_validate(data)
    except ValidationError as error:
        details = error.errors(include_url=False)
        wrong = [detail["loc"] for detail in details]
        found = {_mistake(it, text) for it in details if not _follows(it, wrong)}
        mistakes = sorted(found, key=lambda mistake: (mistake.line, mistake.text))
        raise ScenarioError(name, mistakes) from None


def scenario_schema() -> dict[str, Any]:
    """Return the JSON schema of scenario files, for editors."""
    schema = Scenario.model_json_schema(mode="validation")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Linli load test scenario",
        **{key: value for key, value in schema.items() if key != "title"},
    }


def _not_toml(message: str, text: str) -> Mistake:
    place = _TOML_PLACE.search(message)
    line = int(place[1]) if place and place[1] else text.count("\n") + 1
    return Mistake(line, f"not TOML: {_TOML_PLACE.sub('', message).strip()}")


def _mistake(detail: ErrorDetails, text: str) -> Mistake:
    path = detail["loc"]
    names = ".".join(str(part) for part in path if isinstance(part, str))
    words = "".join(f"{names}: " if names else "")
    match detail["type"]:
        case "extra_forbidden":
            wrong = str(path[-1])
            said = f"unknown key {wrong!r}{did_you_mean(wrong, _keys_beside(path))}"
        case "missing":
            said = f"{path[-1]!r} is missing"
        case "enum":
            wrong = str(detail["input"])
            right = list(_quoted(detail["ctx"]["expected"]))
            hint = did_you_mean(wrong, right) or f"; it is one of {', '.join(right)}"
            said = f"{words}{wrong!r} is none of them{hint}"
        case _:
            said = words + detail["msg"].removeprefix("Value error, ")
    return Mistake(line_of(text, tuple(path)), said)


def _follows(detail: ErrorDetails, wrong: list[tuple[int | str, ...]]) -> bool:
    """Whether a list is too short only because its elements are wrong."""
    here = detail["loc"]
    return detail["type"] == "too_short" and any(
        path != here and path[: len(here)] == here for path in wrong
    )


def _keys_beside(path: tuple[int | str, ...]) -> list[str]:
    """Return the keys that the table allows in which the last of `path` stands."""
    tables = [part for part in path[:-1] if isinstance(part, str)]
    model = _TABLES.get(tables[-1], Scenario) if tables else Scenario
    return list(model.model_fields)


def _quoted(text: str) -> Iterator[str]:
    return (found[1] for found in re.finditer(r"'([^']*)'", text))
