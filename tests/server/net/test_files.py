"""The limit of open files: raised at start, with a reserve that is no connection's."""

import resource

import pytest

from server.errors import OperatorError
from server.net.files import CONNECTIONS_MAX, FILES_MAX, connections_max, raise_file_limit


def test_the_soft_limit_is_raised_to_the_hard_one() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 1_024) - 1, hard))
        assert raise_file_limit() == min(hard, FILES_MAX)
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (min(hard, FILES_MAX), hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_redis_the_record_and_pages_keep_a_reserve() -> None:
    assert connections_max(1_024) == 722
    assert connections_max(1_000_000) == CONNECTIONS_MAX
    with pytest.raises(OperatorError, match="ulimit"):
        connections_max(256)
