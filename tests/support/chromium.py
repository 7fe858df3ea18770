"""Debian's Chromium, in which tests open pages."""

import shutil

HEADLESS_SHELL = "chromium-headless-shell"
"""Draws the same pages for half the CPU; what watches media for long takes the whole browser."""
WHOLE = "chromium"


def find_chromium(name: str = HEADLESS_SHELL) -> str:
    """Return the path of the browser."""
    path = shutil.which(name)
    assert path, f"{name} is missing; `make test` and `make soak` install theirs with apt"
    return path
