"""Push messages: who may be sent one, when it is tried again, and what it says.

Web Push: RFC 8030 (the push service), 8291 (encryption), 8292 (the sender's key).
"""

import base64
import binascii
import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from urllib.parse import urlsplit

from commerce.errors import InvalidField
from commerce.notices.notices import MINUTE_MS, NoticeKind

ENDPOINT_CHARS_MAX = 1_000
SUBSCRIPTIONS_MAX = 5
"""Browsers of one guest; another one replaces the oldest."""
POINT_BYTES = 65  # of P-256, uncompressed (RFC 8291 section 3.1)
AUTH_BYTES = 16
TRIES_MAX = 5
FIRST_RETRY_MS = 10_000
RETRY_MS_MAX = 15 * MINUTE_MS

# The push services of Chrome, Edge, Firefox and Safari; messages are posted to no other host.
SERVICES = (
    "fcm.googleapis.com",
    ".push.services.mozilla.com",
    ".push.apple.com",
    ".notify.windows.com",
)

# A message that cannot be delivered for so long is of no use any more.
TTL_MS = {
    NoticeKind.READY: 12 * 60 * MINUTE_MS,
    NoticeKind.OUT: 60 * MINUTE_MS,
    NoticeKind.MOVED: 30 * MINUTE_MS,
    NoticeKind.REMINDER: 4 * 60 * MINUTE_MS,
    NoticeKind.REFUND: 24 * 60 * MINUTE_MS,
    NoticeKind.SUBSTITUTION: 10 * MINUTE_MS,
    NoticeKind.LIVE: 30 * MINUTE_MS,
    NoticeKind.UNPAID: 3 * MINUTE_MS,
    NoticeKind.LATE_PAID: 12 * 60 * MINUTE_MS,
    NoticeKind.LATE_REFUND: 12 * 60 * MINUTE_MS,
    NoticeKind.CANCELLED: 12 * 60 * MINUTE_MS,
    NoticeKind.SPLIT: 12 * 60 * MINUTE_MS,
}


@dataclass(frozen=True, slots=True)
class Subscription:
    """One browser: where its messages go, and the keys that they are encrypted for."""

    endpoint: str
    p256dh: str
    auth: str
    language: str

    @property
    def id(self) -> str:
        """The endpoint's hash."""
        return hashlib.sha256(self.endpoint.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class PushMessage:
    """What a browser shows; `tag` replaces an older message of the same, `url` is a path."""

    title: str
    body: str
    url: str
    tag: str
    ttl_s: int


class PushOutcome(StrEnum):
    """What a push service answered."""

    SENT = "sent"
    GONE = "gone"  # nobody is subscribed there any more
    LATER = "later"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class PushAnswer:
    """An outcome, and with `LATER` the wait that the service asked for."""

    outcome: PushOutcome
    retry_after_s: int = 0


class Push(Protocol):
    """Sends messages to browsers."""

    @property
    def public_key(self) -> str:
        """The sender's key as browsers take it, base64url; empty: there is no push."""
        ...

    async def send(self, to: Subscription, message: PushMessage) -> PushAnswer:
        """Post one message; whatever goes wrong on the way is `LATER`."""
        ...


def subscription(
    endpoint: str, p256dh: str, auth: str, language: str, more_services: Collection[str] = ()
) -> Subscription:
    """Return a browser's subscription; `more_services` are origins that are allowed, too.

    Raises:
        InvalidField: The endpoint is none of a push service, or a key is none.
    """
    if len(endpoint) > ENDPOINT_CHARS_MAX or not _is_service(endpoint, more_services):
        raise InvalidField("endpoint", "no push service that is known here")
    point = _decoded(p256dh)
    if len(point) != POINT_BYTES or point[0] != 4:
        raise InvalidField("p256dh", "no point of P-256")
    if len(_decoded(auth)) != AUTH_BYTES:
        raise InvalidField("auth", "not 16 bytes")
    return Subscription(endpoint, p256dh.rstrip("="), auth.rstrip("="), language)


def next_try_ms(tries: int, retry_after_s: int, *, now_ms: int) -> int | None:
    """Return when a message is tried again after so many tries; None: no more."""
    if tries >= TRIES_MAX:
        return None
    wait = min(RETRY_MS_MAX, FIRST_RETRY_MS << 2 * (tries - 1))
    return now_ms + max(wait, min(RETRY_MS_MAX, retry_after_s * 1_000))


def message_of(kind: NoticeKind, language: str, about: str, url: str, subject: str) -> PushMessage:
    """Return what a notice says in a language; `about` is a store's name or a live's title."""
    title, body = _WORDS[language][kind]
    ttl_s = TTL_MS[kind] // 1_000
    tag = f"{kind}:{subject}"
    return PushMessage(title, body.format(about=about), url, tag, ttl_s)


def _is_service(endpoint: str, more: Collection[str]) -> bool:
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if not endpoint.isascii() or parts.username is not None or parts.fragment:
        return False
    if f"{parts.scheme}://{parts.netloc}" in more:
        return True
    if parts.scheme != "https" or port not in (None, 443):
        return False
    return any(
        host.endswith(known) if known.startswith(".") else host == known for known in SERVICES
    )


def _decoded(text: str) -> bytes:
    if not text.isascii():
        return b""
    try:
        padded = text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""


_WORDS = {
    "zh": {
        NoticeKind.READY: ("可以取货了", "{about} 已备好你的订单，打开查看取货码。"),
        NoticeKind.OUT: ("正在送货上门", "{about} 的订单已出发，请留意敲门。"),
        NoticeKind.MOVED: ("换一家店备货？", "{about} 可以接手你的订单，请尽快选择。"),
        NoticeKind.REMINDER: ("记得取货", "{about} 的订单还在等你来取。"),
        NoticeKind.REFUND: ("退款已退回", "{about} 的一笔退款已原路退回。"),
        NoticeKind.SUBSTITUTION: ("有商品缺货", "{about} 想为你换一件，请尽快选择。"),
        NoticeKind.LIVE: ("马上开播", "{about}"),
        NoticeKind.UNPAID: ("订单快到期了", "{about} 的订单还没付款，几分钟后取消，请尽快付款。"),
        NoticeKind.LATE_PAID: ("付款已收到", "{about} 的订单付款晚了一点，仍为你保留，正常备货。"),
        NoticeKind.LATE_REFUND: ("付款晚了，退款中", "{about} 的订单已过期，你付的钱会原路退回。"),
        NoticeKind.CANCELLED: (
            "预售已取消",
            "{about} 的这场预售取消了，你付的钱会原路退回。",
        ),
        NoticeKind.SPLIT: (
            "两家店的订单都取消了",
            "另一家店备不齐，{about} 的这一单也取消了，你付的钱会原路退回。",
        ),
    },
    "en": {
        NoticeKind.READY: ("Ready to collect", "{about} has packed your order: open the code."),
        NoticeKind.OUT: ("On the way to your door", "{about} is bringing your order now."),
        NoticeKind.MOVED: ("Another store?", "{about} can pack your order: choose soon."),
        NoticeKind.REMINDER: ("Your order is waiting", "{about} keeps your order for you."),
        NoticeKind.REFUND: ("A refund was paid", "{about} has paid an amount back to you."),
        NoticeKind.SUBSTITUTION: ("Something is missing", "{about} offers a substitute: choose."),
        NoticeKind.LIVE: ("About to go live", "{about}"),
        NoticeKind.UNPAID: ("Pay soon", "Your order at {about} ends unpaid in a few minutes."),
        NoticeKind.LATE_PAID: ("Paid in time after all", "{about} packs the order you paid late."),
        NoticeKind.LATE_REFUND: (
            "Paid too late",
            "Your order at {about} had ended: the amount goes back to you.",
        ),
        NoticeKind.CANCELLED: (
            "A presale was cancelled",
            "{about} cannot make it: what you paid goes back to you.",
        ),
        NoticeKind.SPLIT: (
            "Both orders were cancelled",
            "The other shop has not got its part, so {about} packs none: what you paid goes back.",
        ),
    },
}
