"""Rate limits per person and address: a token bucket in Redis, so that every worker counts alike.

One key per bucket, `limit:{kind}:{key}`, a hash of tokens and time that expires once it is full.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import structlog
from redis.asyncio import Redis
from starlette.requests import Request

from server.net.addresses import Proxies, limit_key
from server.problem import Problem

KEY_CHARS_MAX = 128
NO_PROXIES = Proxies()

log = structlog.get_logger()


class LimitKind(StrEnum):
    """What is counted."""

    LOGIN = "login"
    LOGIN_ADDRESS = "login-address"
    LOGIN_ACCOUNT = "login-account"
    LOGIN_DEVICE = "login-device"
    JOIN = "join"
    REFRESH = "refresh"
    MOVE = "move"
    RESTORE = "restore"
    PHONE_NUMBER = "phone-number"
    PHONE_ADDRESS = "phone-address"
    PHONE_BRAND = "phone-brand"
    PHONE_CODE = "phone-code"
    ORDER = "order"
    HANDOVER = "handover"
    ACTIVITY = "activity"
    LEADER_CODE = "leader-code"
    LEADER_TAIL = "leader-tail"
    LINK = "link"
    FACTOR = "factor"
    PUBLISH = "publish"
    PLAY = "play"
    ICE = "ice"
    FACTS = "facts"


@dataclass(frozen=True, slots=True)
class Rate:
    """A bucket of `burst` tokens, refilled at `per_s` tokens a second."""

    burst: int
    per_s: float


# A whole estate may sit behind one address (carrier-grade NAT), so per-address buckets are wide.
# LOGIN is keyed by address and user name and therefore narrow; only staff log in. What many
# addresses together try on one account is bounded, too; its owner's device has a bucket of its own.
RATES: dict[LimitKind, Rate] = {
    LimitKind.LOGIN: Rate(burst=8, per_s=1 / 15),
    LimitKind.LOGIN_ADDRESS: Rate(burst=30, per_s=0.5),
    LimitKind.LOGIN_ACCOUNT: Rate(burst=20, per_s=1 / 60),
    LimitKind.LOGIN_DEVICE: Rate(burst=10, per_s=1 / 15),
    LimitKind.JOIN: Rate(burst=200, per_s=20.0),
    LimitKind.REFRESH: Rate(burst=200, per_s=20.0),
    LimitKind.MOVE: Rate(burst=5, per_s=1 / 60),
    LimitKind.RESTORE: Rate(burst=20, per_s=0.2),
    # Each message costs the brand money and somebody's sleep; a code has five tries.
    LimitKind.PHONE_NUMBER: Rate(burst=3, per_s=1 / 1_800),
    LimitKind.PHONE_ADDRESS: Rate(burst=20, per_s=1 / 60),
    LimitKind.PHONE_BRAND: Rate(burst=600, per_s=2.0),
    LimitKind.PHONE_CODE: Rate(burst=10, per_s=1 / 30),
    LimitKind.ORDER: Rate(burst=10, per_s=0.5),
    LimitKind.HANDOVER: Rate(burst=40, per_s=0.5),
    LimitKind.ACTIVITY: Rate(burst=20, per_s=0.5),
    # Of a million codes three are good at a time: at this rate a thousandth of a chance in a day.
    LimitKind.FACTOR: Rate(burst=10, per_s=1 / 300),
    # By estate: against 45 bits and some hundred open codes, thousands of years.
    LimitKind.LEADER_CODE: Rate(burst=300, per_s=2.0),
    LimitKind.LEADER_TAIL: Rate(burst=5, per_s=1 / 600),
    LimitKind.LINK: Rate(burst=20, per_s=0.2),
    LimitKind.PUBLISH: Rate(burst=10, per_s=0.5),
    LimitKind.PLAY: Rate(burst=200, per_s=20.0),
    LimitKind.ICE: Rate(burst=30, per_s=2.0),
    LimitKind.FACTS: Rate(burst=200, per_s=20.0),
}

# By address, and more than the people of one house ask for.
OF_A_CROWD = frozenset({LimitKind.JOIN, LimitKind.REFRESH, LimitKind.PLAY, LimitKind.FACTS})

# KEYS[1] bucket; ARGV: burst, tokens per second. Returns milliseconds to wait, 0 for "go ahead".
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local burst, per_s = tonumber(ARGV[1]), tonumber(ARGV[2])
local bucket = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = tonumber(bucket[1]) or burst
local at = tonumber(bucket[2]) or now
tokens = math.min(burst, tokens + math.max(0, now - at) * per_s / 1000)
local wait = 0
if tokens >= 1 then tokens = tokens - 1 else wait = math.ceil((1 - tokens) * 1000 / per_s) end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', now)
redis.call('PEXPIRE', KEYS[1], math.ceil((burst - tokens) * 1000 / per_s) + 1000)
return wait
"""


QUOTA_MS = 24 * 3_600 * 1_000
"""A quota ends this long after its first unit at the latest."""

# KEYS[1] quota: units by order, and their sum under ''. ARGV: order, units, most units, ms to keep.
# Returns -1 for "go ahead", or the units that are left. An order is counted once.
_CLAIM = """
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return -1 end
local sum = tonumber(redis.call('HGET', KEYS[1], '') or '0')
local left = tonumber(ARGV[3]) - sum
if tonumber(ARGV[2]) > left then return math.max(0, left) end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2], '', string.format('%d', sum + ARGV[2]))
if sum == 0 then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
return -1
"""

# KEYS[1] quota; ARGV: order.
_GIVE_BACK = """
local units = redis.call('HGET', KEYS[1], ARGV[1])
if not units then return 0 end
redis.call('HDEL', KEYS[1], ARGV[1])
return redis.call('HINCRBY', KEYS[1], '', -tonumber(units))
"""


class QuotaScope(StrEnum):
    """What units are counted by, beside the household that anybody can invent."""

    ADDRESS = "address"  # units of a product in a live
    DEVICE_UNITS = "device-units"  # the same
    DEVICE = "device"  # seats of a group


@dataclass(frozen=True, slots=True)
class Quota:
    """At most `units_max` of `what` for one `holder`, an address or a device; `wanted` now."""

    scope: QuotaScope
    what: str
    holder: str
    units_max: int
    wanted: int

    @property
    def key(self) -> str:
        """Its Redis key."""
        return f"quota:{self.scope}:{self.what}:{self.holder}"


class Limits:
    """Takes tokens; a bucket that is empty answers 429 with Retry-After."""

    def __init__(
        self, redis: Redis, *, enabled: bool = True, proxies: Proxies = NO_PROXIES
    ) -> None:
        self._take = redis.register_script(_TAKE)
        self._claim = redis.register_script(_CLAIM)
        self._give_back = redis.register_script(_GIVE_BACK)
        self.quota_refused = dict.fromkeys(QuotaScope, 0)  # orders, since the start
        self.enabled = enabled
        self._proxies = proxies
        self._warned = False
        self._warned_of_crowd = False

    async def take(self, kind: LimitKind, key: str) -> None:
        """Take one token of `key`'s bucket.

        Raises:
            Problem: 429 `too-many` with `Retry-After` in seconds.
        """
        if not self.enabled:
            return
        rate = RATES[kind]
        wait_ms = int(
            await self._take(
                keys=[f"limit:{kind}:{key[:KEY_CHARS_MAX]}"], args=[rate.burst, rate.per_s]
            )
        )
        if wait_ms > 0:
            if kind in OF_A_CROWD and not self._warned_of_crowd:
                self._warned_of_crowd = True
                log.warning(
                    "many people seem to share one address, and are limited together: if it is a "
                    "proxy of yours, have it set X-Forwarded-For and name it in LINLI_TRUST_PROXY",
                    kind=str(kind),
                    address=key.removeprefix("guest:"),
                )
            wait_s = -(-wait_ms // 1000)
            raise Problem(
                429,
                "too-many",
                "Too many requests.",
                f"Please wait {wait_s} s.",
                headers={"Retry-After": str(wait_s)},
                retry_after_ms=wait_ms,
            )

    async def claim(self, quotas: Sequence[Quota], order_id: str) -> None:
        """Count an order against its quotas, once however often it is sent.

        Raises:
            Problem: 409 `limit-reached` with `left` and `scope`; nothing is counted then.
        """
        if not self.enabled:
            return
        for at, quota in enumerate(quotas):
            args: list[str | int] = [order_id, quota.wanted, quota.units_max, QUOTA_MS]
            left = int(await self._claim(keys=[quota.key], args=args))
            if left >= 0:
                await self.give_back(quotas[:at], order_id)
                self.quota_refused[quota.scope] += 1
                raise Problem(
                    409,
                    "limit-reached",
                    "Too many for one address or device.",
                    left=left,
                    scope=quota.scope.value,
                )

    async def give_back(self, quotas: Sequence[Quota], order_id: str) -> None:
        """The order came to nothing: its units count no more."""
        for quota in quotas if self.enabled else ():
            await self._give_back(keys=[quota.key], args=[order_id])

    def client(self, request: Request) -> str:
        """Return the address of the client, as far as proxies of ours say whose it is."""
        peer = request.client.host if request.client else ""
        forwarded = request.headers.getlist("x-forwarded-for")
        if forwarded and not self._warned and not self._proxies.trusts(peer):
            self._warned = True
            log.warning(
                "a proxy that LINLI_TRUST_PROXY does not name asks for others: "
                "all of them are limited as one address",
                proxy=peer,
            )
        return self._proxies.client(peer, forwarded)

    def address(self, request: Request) -> str:
        """Return the address of the client, for use as a key."""
        return limit_key(self.client(request))

    def is_https(self, request: Request) -> bool:
        """Whether the client came over TLS, as far as a proxy of ours says so."""
        peer = request.client.host if request.client else ""
        says = request.headers.get("x-forwarded-proto", "") if self._proxies.trusts(peer) else ""
        return (says or request.url.scheme) == "https"
