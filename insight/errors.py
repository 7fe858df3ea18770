"""Errors of this package.

InsightError
├── BadFact             a fact that its topic does not admit
├── LakeConflict        another writer committed first
├── BadQuery            SQL that the lake cannot run
└── HasHistory          other history of a brand in the way
"""


class InsightError(Exception):
    """Base of all errors here."""


class BadFact(InsightError):
    """A fact that the vocabulary does not admit; `reason` is one line."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class LakeConflict(InsightError):
    """Another writer committed to the table first; read its version and go on from there."""


class BadQuery(InsightError):
    """SQL that cannot be run; `reason` is what the engine says."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class HasHistory(InsightError):
    """The lake has facts of these days, which history of others must not be mixed with."""
