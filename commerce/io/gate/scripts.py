"""The gate's scripts, and how they are called: many calls in one round trip."""

import hashlib
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from commerce.io.gate.codec import expand

ATTEMPTS_MAX = 3


class Script:
    """A Lua file with its placeholders filled in, and the digest that Redis knows it by.

    `$ADMIT_LUA` stands for the whole of admit.lua.
    """

    def __init__(self, name: str) -> None:
        text = _read(name)
        if "$ADMIT_LUA" in text:
            text = text.replace("$ADMIT_LUA", _read("admit"))
        self.text = expand(text)
        self.sha = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()


def _read(name: str) -> str:
    return (Path(__file__).parent / "lua" / f"{name}.lua").read_text("utf-8")


(
    ADMIT,
    ADMIT_HALVES,
    SETTLE,
    SWEEP,
    APPLY,
    COMPARE,
    OFFERS,
    CARRY,
    FREE_COUPONS,
    READMIT,
    END_HOLD,
) = (
    Script(name)
    for name in (
        "admit",
        "admit_halves",
        "settle",
        "sweep",
        "apply",
        "compare",
        "offers",
        "carry",
        "free_coupons",
        "readmit",
        "end_hold",
    )
)


async def call(redis: Redis, script: Script, arguments: list[Any]) -> Any:
    """Call `script` once."""
    return (await call_all(redis, script, [arguments]))[0]


async def call_all(redis: Redis, script: Script, calls: list[list[Any]]) -> list[Any]:
    """Call `script` once per entry of `calls` in one round trip; raise the first error."""
    replies = await call_many(redis, script, calls)
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply
    return replies


async def call_many(redis: Redis, script: Script, calls: list[list[Any]]) -> list[Any]:
    """Call `script` once per entry of `calls` in one round trip; an error is a reply, too."""
    replies: list[Any] = []
    for _ in range(ATTEMPTS_MAX):
        async with redis.pipeline(transaction=False) as pipeline:
            for each in calls:
                pipeline.execute_command("EVALSHA", script.sha, *each)
            replies = await pipeline.execute(raise_on_error=False)
        if not any(isinstance(reply, NoScriptError) for reply in replies):
            break
        # Redis was restarted. A call that found no script did nothing, the others are
        # idempotent, so all of them may be resent.
        await redis.script_load(script.text)
    return replies
