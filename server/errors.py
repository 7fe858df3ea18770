"""Errors that the operator can put right; the command line prints their text and nothing else.

OperatorError
└── EmbeddedError      (server/ops/embedded.py) the private Valkey cannot run
"""


class OperatorError(Exception):
    """Something about the set-up is wrong; the text says what it is and what to do."""
