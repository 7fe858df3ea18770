"""The scenarios that come with the program: files of this package."""

from importlib.resources import files

from loadtest.scenario.model import Scenario
from loadtest.scenario.reading import read_scenario

_FOLDER = files("loadtest.scenario") / "shipped"


def shipped_names() -> list[str]:
    """Return the names of all shipped scenarios, sorted."""
    return sorted(
        entry.name.removesuffix(".toml")
        for entry in _FOLDER.iterdir()
        if entry.name.endswith(".toml")
    )


def shipped_text(name: str) -> str:
    """Return the TOML text of a shipped scenario."""
    return (_FOLDER / f"{name}.toml").read_text("utf-8")


def shipped(name: str) -> Scenario:
    """Return a shipped scenario."""
    return read_scenario(shipped_text(name), f"{name}.toml")
