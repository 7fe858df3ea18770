"""How long fuzz tests look: a moment in `make test`, for LINLI_FUZZ_MINUTES in `make fuzz`."""

from hypothesis import HealthCheck, settings

PROFILE = "fuzz"
TIMES_LONGER = 10


def examples(count: int) -> settings:
    """Settings for `count` examples, more in `make fuzz`.

    Each takes the time it takes, and all of them may share what a fixture made.
    """
    longer = settings.get_current_profile_name() == PROFILE
    return settings(
        max_examples=count * TIMES_LONGER if longer else count,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
