"""The port to a payment provider whose answer comes later: by webhook, or when it is queried.

An attempt to pay is known to both sides by our reference, a refund by our refund reference: both of
`REFERENCE_CHARS_MIN` to `REFERENCE_CHARS_MAX` characters of [0-9A-Za-z_-], unique in the account.
Amounts in fen, times in UTC milliseconds.

CommerceError
├── WebhookRefused       a webhook that is not the provider's, or not of now
├── ProviderRefused      the provider refused a call for good
└── Unreachable          no answer, or none that decides: the outcome is unknown
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from commerce.errors import CommerceError

REFERENCE_CHARS_MIN, REFERENCE_CHARS_MAX = 6, 32  # as WeChat Pay takes an out_trade_no
WHAT_CHARS_MAX = 40  # of the text that the buyer sees in the provider's app
WEBHOOK_BYTES_MAX = 64 * 1024
REPLAY_WINDOW_MS = 300_000  # a webhook's timestamp may differ so much from our clock

_REFERENCE = re.compile(rf"[0-9A-Za-z_-]{{{REFERENCE_CHARS_MIN},{REFERENCE_CHARS_MAX}}}")


class EventKind(StrEnum):
    """What the provider reports."""

    PAID = "paid"
    FAILED = "failed"  # declined; a new attempt has a new reference
    CLOSED = "closed"  # expired or closed unpaid, for good
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"


class ActionKind(StrEnum):
    """What the page does next."""

    JSAPI = "jsapi"  # hands `data` to WeixinJSBridge's getBrandWCPayRequest
    QR = "qr"  # shows `data["url"]` as a QR code
    REDIRECT = "redirect"  # goes to `data["url"]`
    NONE = "none"  # waits


@dataclass(frozen=True, slots=True)
class Action:
    """The next step of a payment in the buyer's page."""

    kind: ActionKind
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays, as their page says it when it wants to pay.

    `client` is what the provider knows them by (WeChat: the openid), "" if that is not known;
    `client_ip` the address of their device; `phone` whether its browser may open the provider's
    app.
    """

    client: str
    client_ip: str
    phone: bool


@dataclass(frozen=True, slots=True)
class IntentRequest:
    """An attempt to take `amount_fen` until `expires_at_ms`.

    `payer` is there if the provider asks for it.
    """

    reference: str
    amount_fen: int
    what: str
    expires_at_ms: int
    return_url: str
    notify_url: str
    payer: "Payer | None" = None

    def __post_init__(self) -> None:
        assert is_reference(self.reference), self.reference
        assert self.amount_fen > 0, self.amount_fen


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """What happened at the provider.

    The `event_id` is the same whenever the provider sends this event again. A webhook and a query
    that report the same fact have different ids: what an event does is idempotent by its reference
    and kind too. `amount_fen` is what was paid or given back, for FAILED and CLOSED what was asked
    for if the provider names it, else 0; the caller compares it. `provider_ref` is the provider's
    id of the payment, or of the refund where `refund_reference` is set.
    """

    event_id: str
    kind: EventKind
    reference: str
    refund_reference: str | None
    provider_ref: str
    amount_fen: int
    at_ms: int


class RefusedBecause(StrEnum):
    """Why a webhook was refused; the label of its counter."""

    UNSIGNED = "unsigned"
    FOREIGN = "foreign"  # of another account, or signed with another key
    BAD_SIGNATURE = "bad_signature"
    UNREADABLE = "unreadable"  # truncated, too large, or signed nonsense
    STALE = "stale"  # outside the replay window


class WebhookRefused(CommerceError):
    """A webhook that is not taken; `status` is the HTTP answer."""

    def __init__(self, because: RefusedBecause) -> None:
        super().__init__(because)
        self.because = because
        self.status = 409 if because is RefusedBecause.STALE else 401

    def __str__(self) -> str:
        return f"webhook refused: {self.because}"


class ProviderRefused(CommerceError):
    """The provider refused a call for good: sent again, it is refused again. `code` is its word."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    def __str__(self) -> str:
        return f"refused by the payment provider: {self.code}"


class Unreachable(CommerceError):
    """No answer in time, a 5xx, or too many calls: query, or call again with the same reference."""


class BuyerLogin(Protocol):
    """Finds out what the provider knows a buyer by: the page goes to `url`, and brings a code."""

    def url(self, back: str, state: str) -> str:
        """Return the provider's page, which sends the buyer to `back` with `code` and `state`."""
        ...

    async def client_of(self, code: str) -> str:
        """Return what the provider knows the buyer by who brought this code; it is good once.

        Raises:
            ProviderRefused: The code is wrong, old or used.
            Unreachable: There is no answer.
        """
        ...


class PaymentProvider(Protocol):
    """A payment provider's account.

    With `asks_payer` an attempt is begun once its `Payer` is known; `login` says who that is to the
    provider, None if buyers need not be known to it, or cannot be.

    Every call may raise Unreachable, and ProviderRefused where the request itself is at fault.
    A call again with the same reference has no second effect.
    """

    name: str
    account: str
    asks_payer: bool

    @property
    def login(self) -> BuyerLogin | None:
        """How buyers are known to it."""
        ...

    async def create(self, request: IntentRequest) -> Action:
        """Begin an attempt and return what the page does next; idempotent by reference."""
        ...

    async def query(self, reference: str) -> ProviderEvent | None:
        """Return PAID, FAILED or CLOSED of an attempt; None while it is not decided, or unknown."""
        ...

    async def close(self, reference: str) -> None:
        """End an unpaid attempt, so that it cannot be paid any more.

        An attempt that is paid, closed or unknown there is left as it is: query it.
        """
        ...

    async def refund(
        self, reference: str, refund_reference: str, amount_fen: int, total_fen: int
    ) -> ProviderEvent | None:
        """Give back `amount_fen` of an attempt that took `total_fen`.

        Idempotent by refund reference. None: the provider has it and will report.
        """
        ...

    async def query_refund(self, reference: str, refund_reference: str) -> ProviderEvent | None:
        """Return REFUNDED or REFUND_FAILED of a refund; None while undecided, or unknown."""
        ...

    def read_webhook(
        self, headers: Mapping[str, str], body: bytes, *, now_ms: int
    ) -> ProviderEvent | None:
        """Verify and read a webhook; None for a genuine one about something that is not ours.

        Does no I/O. Header names in any case.

        Raises:
            WebhookRefused: It is unsigned, foreign, changed, unreadable or stale.
        """
        ...

    def acknowledge(self) -> tuple[int, bytes, str]:
        """Return status, body and content type that the provider takes as "received"."""
        ...


def is_reference(text: str) -> bool:
    """Whether a text can be the reference of an attempt or refund."""
    return _REFERENCE.fullmatch(text) is not None
