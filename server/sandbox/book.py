"""What the provider of the sandbox knows: trades and refunds, in memory. Times in UTC ms.

BookRefused     what a provider would refuse; names why
"""

import secrets
from dataclasses import dataclass, field
from enum import StrEnum

from server.sandbox.faults import Faults

REFUNDS_MAX = 50  # per trade, as WeChat Pay has it
REFUND_GAP_MS = 60_000  # between two refunds of a trade
TRADES_MAX = 100_000


class TradeState(StrEnum):
    """Where a trade stands; only a waiting one moves."""

    WAITING = "waiting"
    PAID = "paid"
    DECLINED = "declined"
    CLOSED = "closed"


class Why(StrEnum):
    """Why something is refused."""

    UNKNOWN = "unknown"
    USED = "used"  # the reference, with other values
    PAID = "paid"
    CLOSED = "closed"
    NOT_PAID = "not_paid"
    TOO_MUCH = "too_much"
    TOO_MANY = "too_many"
    TOO_SOON = "too_soon"


class BookRefused(Exception):
    """What a provider would refuse."""

    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why = why


@dataclass(slots=True)
class Refund:
    """A part of a trade's money that goes back, for good at `ends_ms`."""

    id: str
    reference: str
    amount_fen: int
    made_ms: int
    ends_ms: int
    fails: bool
    notify_url: str = ""

    def done(self, now_ms: int) -> bool:
        """Whether the buyer has the money."""
        return now_ms >= self.ends_ms and not self.fails

    def failed(self, now_ms: int) -> bool:
        """Whether the buyer will not get it this way."""
        return now_ms >= self.ends_ms and self.fails


@dataclass(slots=True)
class Trade:
    """What a buyer is to pay. `id` names it in the provider's answers, `token` its pay page."""

    provider: str
    reference: str
    amount_fen: int
    what: str
    notify_url: str
    return_url: str
    expires_ms: int
    made_ms: int
    id: str = field(default_factory=lambda: secrets.token_hex(12))
    token: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    state: TradeState = TradeState.WAITING
    ended_ms: int = 0
    refunds: dict[str, Refund] = field(default_factory=dict)

    @property
    def refunded_fen(self) -> int:
        """What went back, or is on its way."""
        return sum(refund.amount_fen for refund in self.refunds.values())


class Book:
    """All trades of all accounts. Every method ends what has expired first."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._trades: dict[tuple[str, str], Trade] = {}
        self._by_token: dict[str, Trade] = {}

    def trades(self, now_ms: int) -> list[Trade]:
        """All trades, newest first."""
        return [_expired(trade, now_ms) for trade in reversed(self._trades.values())]

    def create(self, trade: Trade, *, now_ms: int) -> Trade:
        """Begin a trade, or return the one that has begun with the same values."""
        key = trade.provider, trade.reference
        known = self._trades.get(key)
        if known is None:
            if len(self._trades) >= TRADES_MAX:
                del self._by_token[self._trades.pop(next(iter(self._trades))).token]
            self._trades[key] = self._by_token[trade.token] = trade
            return _expired(trade, now_ms)
        _expired(known, now_ms)
        if (known.amount_fen, known.what) != (trade.amount_fen, trade.what):
            raise BookRefused(Why.USED)
        if known.state is TradeState.PAID:
            raise BookRefused(Why.PAID)
        if known.state is TradeState.CLOSED:
            raise BookRefused(Why.CLOSED)
        return known

    def find(self, provider: str, reference: str, *, now_ms: int) -> Trade:
        """Return a trade by our reference."""
        found = self._trades.get((provider, reference))
        if found is None:
            raise BookRefused(Why.UNKNOWN)
        return _expired(found, now_ms)

    def by_token(self, token: str, *, now_ms: int) -> Trade:
        """Return a trade by the token of its page."""
        found = self._by_token.get(token)
        if found is None:
            raise BookRefused(Why.UNKNOWN)
        return _expired(found, now_ms)

    def by_id(self, id: str, *, now_ms: int) -> Trade:
        """Return a trade by the provider's id."""
        for trade in self._trades.values():
            if trade.id == id:
                return _expired(trade, now_ms)
        raise BookRefused(Why.UNKNOWN)

    def end(self, trade: Trade, state: TradeState, *, now_ms: int) -> bool:
        """End a waiting trade; return whether it was waiting."""
        if _expired(trade, now_ms).state is not TradeState.WAITING:
            return False
        trade.state, trade.ended_ms = state, now_ms
        return True

    def refund(
        self, trade: Trade, reference: str, amount_fen: int, notify_url: str, *, now_ms: int
    ) -> tuple[Refund, bool]:
        """Give money back, or return the refund that has this reference; and whether it is new."""
        known = trade.refunds.get(reference)
        if known is not None:
            if known.amount_fen != amount_fen:
                raise BookRefused(Why.USED)
            return known, False
        if trade.state is not TradeState.PAID:
            raise BookRefused(Why.NOT_PAID)
        if len(trade.refunds) >= REFUNDS_MAX:
            raise BookRefused(Why.TOO_MANY)
        if any(now_ms - refund.made_ms < REFUND_GAP_MS for refund in trade.refunds.values()):
            raise BookRefused(Why.TOO_SOON)
        if amount_fen <= 0 or trade.refunded_fen + amount_fen > trade.amount_fen:
            raise BookRefused(Why.TOO_MUCH)
        fails = self._faults.refund_fails()
        ends_ms = now_ms + self._faults.delay_ms()
        refund = Refund(
            secrets.token_hex(12), reference, amount_fen, now_ms, ends_ms, fails, notify_url
        )
        trade.refunds[reference] = refund
        return refund, True


def _expired(trade: Trade, now_ms: int) -> Trade:
    if trade.state is TradeState.WAITING and now_ms >= trade.expires_ms:
        trade.state, trade.ended_ms = TradeState.CLOSED, trade.expires_ms
    return trade
