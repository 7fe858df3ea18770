"""How many files this worker may open (getrlimit(2)), and how many of them may be connections."""

import resource

from server.errors import OperatorError

FILES_MAX = 1_048_576
"""The kernel's own limit as shipped (fs.nr_open); "unlimited" is not accepted above it."""
CONNECTIONS_MAX = 20_000
CONNECTIONS_MIN = 64
FILES_RESERVED = 200
"""Redis 64, SQL 25, listener, media, children, logs, and some for connections to be refused."""
FILES_RESERVED_PART = 10
"""One file in ten is for what routes open, such as the pages and images that they send."""


def raise_file_limit() -> int:
    """Raise the soft limit of open files to the hard one; return what it is now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_MAX if hard == resource.RLIM_INFINITY else min(hard, FILES_MAX)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError):
            return soft
        return wanted
    return FILES_MAX if soft == resource.RLIM_INFINITY else soft


def connections_max(files: int) -> int:
    """Return how many connections fit beside everything else that needs a file.

    Raises:
        OperatorError: Hardly any do.
    """
    fit = files - FILES_RESERVED - files // FILES_RESERVED_PART
    if fit < CONNECTIONS_MIN:
        raise OperatorError(
            f"This process may open {files} files, too few to serve anybody. "
            "Raise the limit (ulimit -Hn, or LimitNOFILE= of systemd) to 1024 or more."
        )
    return min(CONNECTIONS_MAX, fit)
