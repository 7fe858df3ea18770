"""Errors that the operator can put right; the command line prints their text and nothing else.

OperatorError
└── EmbeddedError      (server/ops/embedded.py) the private Valkey cannot run
"""


class OperatorError(Exception):
    """The set-up is wrong; the text has the reason and what to do."""
