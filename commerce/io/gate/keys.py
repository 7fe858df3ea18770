"""Names of a gate's Redis keys: type, writer, time to live. All of one gate share one hash tag.

A gate is named in the record, with its brand (`brands.gate`). `shop` is shared by the brands that
are older than gates of their own, and by the brand of the shop file; any other gate is one
brand's, so that brands spread over a cluster.

| key                        | type   | lives                    | written by          |
| -------------------------- | ------ | ------------------------ | ------------------- |
| epoch                      | string | until a rebuild          | rebuild             |
| rebuild                    | string | 10 s (a lock)            | rebuild             |
| available, held, settled   | hash   | until a rebuild          | scripts, rebuild    |
| products, open             | hash   | until a rebuild          | outbox, rebuild     |
| products:previous          | hash   | 30 s after a change      | outbox              |
| holds, hold                | zset, hash | swept when overdue   | admit, settle, sweep|
| orders                     | stream | entries until settled    | admit, settle       |
| dead                       | stream | last 10,000              | ledger              |
| group:{id}                 | string | until the group's end    | outbox, rebuild     |
| seats:{id}                 | hash   | a day beyond the end     | admit, settle       |
| bought:{household}:{product} | string | 24 h from the first unit | admit, settle       |
| idem:{order}               | string | 24 h                     | admit, settle       |
| coupon:{id}                | string | 24 h, or until it is given back | admit, settle, outbox |
| applied:{change}           | string | 7 days                   | outbox              |

The installation has, beside the shared gate:

| key                        | type   | lives                    | written by          |
| -------------------------- | ------ | ------------------------ | ------------------- |
| relay                      | string | 3 s (a lock)             | outbox relay        |
| answers                    | channel|                          | settle              |
| staff                      | channel|                          | outbox              |
| stream_keys                | channel|                          | outbox              |
| catalogue                  | channel|                          | outbox              |
"""

from commerce.catalogue.values import SHARED_GATE

SHARED = SHARED_GATE
CONSUMER_GROUP = "ledger"
NO_ID = "-"
OF_PREVIOUS = ":previous"

RELAY = f"{{{SHARED}}}:relay"
ANSWERS = f"{{{SHARED}}}:answers"
STAFF = f"{{{SHARED}}}:staff"
STREAM_KEYS = f"{{{SHARED}}}:stream_keys"
CATALOGUE = f"{{{SHARED}}}:catalogue"


class GateKeys:
    """The keys of one gate."""

    def __init__(self, gate: str) -> None:
        self.gate = gate
        self.tag = f"{{{gate}}}"
        self.epoch = f"{self.tag}:epoch"
        self.rebuild = f"{self.tag}:rebuild"
        self.available = f"{self.tag}:available"
        self.held = f"{self.tag}:held"
        self.settled = f"{self.tag}:settled"
        self.products = f"{self.tag}:products"
        self.previous = f"{self.products}{OF_PREVIOUS}"
        self.open = f"{self.tag}:open"
        self.holds = f"{self.tag}:holds"
        self.hold = f"{self.tag}:hold"
        self.orders = f"{self.tag}:orders"
        self.dead = f"{self.tag}:dead"
        self._group = f"{self.tag}:group:"
        self._seats = f"{self.tag}:seats:"
        self._bought = f"{self.tag}:bought:"
        self._idem = f"{self.tag}:idem:"
        self._coupon = f"{self.tag}:coupon:"
        self._applied = f"{self.tag}:applied:"

    @property
    def owned(self) -> frozenset[str]:
        """Keys that live until a rebuild or are swept; all others must have a time to live."""
        counts = (self.available, self.held, self.settled, self.holds, self.hold)
        return frozenset({self.epoch, self.products, self.open, self.orders, self.dead, *counts})

    def group(self, group_id: str) -> str:
        """The terms of a group that may be joined."""
        return f"{self._group}{group_id or NO_ID}"

    def seats(self, group_id: str) -> str:
        """Households of a group."""
        return f"{self._seats}{group_id or NO_ID}"

    def bought(self, household_id: str, product_id: str) -> str:
        """Units of a product, or of a flash sale's quota, that a household took within a day."""
        return f"{self._bought}{household_id or NO_ID}:{product_id or NO_ID}"

    def idem(self, order_id: str) -> str:
        """The answer to an idempotency key."""
        return f"{self._idem}{order_id}"

    def coupon(self, coupon_id: str) -> str:
        """The order that took a coupon."""
        return f"{self._coupon}{coupon_id or NO_ID}"

    def applied(self, change_id: str) -> str:
        """Mark of a change that was applied to the gate."""
        return f"{self._applied}{change_id}"


def row(product_id: str, store_id: str) -> str:
    """Field of `available`, `held` and `settled`."""
    return f"{product_id}|{store_id}"
