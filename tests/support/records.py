"""The record of tests that run on both databases each time, not only in the soaks.

A module of such tests says `database_url = each_record`: those about locks, transactions, schema
and crashes, where the two databases differ.
"""

import pytest


@pytest.fixture(params=["sqlite", "postgres"])
def each_record(request: pytest.FixtureRequest) -> str:
    """Each of the two kinds of record in turn, without rows."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url
