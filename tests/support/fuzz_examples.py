"""How long fuzz tests look: a moment in `make test`, for LINLI_FUZZ_MINUTES in `make fuzz`."""

import os

from hypothesis import HealthCheck, settings

PROFILE = "fuzz"
TIMES_LONGER = 10
# Of a property that does not say otherwise; `make quick` sets fewer.
EXAMPLES_MAX = 50
EXAMPLES_DEFAULT = 12
EXAMPLES = int(os.environ.get("LINLI_EXAMPLES", EXAMPLES_DEFAULT))


def examples(count: int) -> settings:
    """Settings for `count` examples, more in `make fuzz` and fewer in `make quick`.

    Each takes the time it takes, and all of them may share what a fixture made.
    """
    longer = settings.get_current_profile_name() == PROFILE
    return settings(
        max_examples=count * TIMES_LONGER if longer else max(1, count * EXAMPLES // EXAMPLES_MAX),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
