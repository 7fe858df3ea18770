"""Names of the gate's Redis keys: type, writer, time to live. All share one hash tag.

| key                        | type   | lives                    | written by          |
| -------------------------- | ------ | ------------------------ | ------------------- |
| epoch                      | string | until a rebuild          | rebuild             |
| rebuild                    | string | 10 s (a lock)            | rebuild             |
| relay                      | string | 3 s (a lock)             | outbox relay        |
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
| answers                    | channel|                          | settle              |
| staff                      | channel|                          | outbox              |
| stream_keys                | channel|                          | outbox              |
| catalogue                  | channel|                          | outbox              |
"""

TAG = "{shop}"
CONSUMER_GROUP = "ledger"
NO_ID = "-"
OF_PREVIOUS = ":previous"

EPOCH = f"{TAG}:epoch"
REBUILD = f"{TAG}:rebuild"
RELAY = f"{TAG}:relay"
AVAILABLE = f"{TAG}:available"
HELD = f"{TAG}:held"
SETTLED = f"{TAG}:settled"
PRODUCTS = f"{TAG}:products"
PREVIOUS = f"{PRODUCTS}{OF_PREVIOUS}"
OPEN = f"{TAG}:open"
HOLDS = f"{TAG}:holds"
HOLD = f"{TAG}:hold"
ORDERS = f"{TAG}:orders"
DEAD = f"{TAG}:dead"
ANSWERS = f"{TAG}:answers"
STAFF = f"{TAG}:staff"
STREAM_KEYS = f"{TAG}:stream_keys"
CATALOGUE = f"{TAG}:catalogue"
BOUGHT = f"{TAG}:bought:"
COUPON = f"{TAG}:coupon:"

# Keys that live until a rebuild or are swept; everything else must have a time to live.
OWNED = frozenset({EPOCH, AVAILABLE, HELD, SETTLED, PRODUCTS, OPEN, HOLDS, HOLD, ORDERS, DEAD})


def group(group_id: str) -> str:
    """The terms of a group that may be joined."""
    return f"{TAG}:group:{group_id or NO_ID}"


def seats(group_id: str) -> str:
    """Households of a group."""
    return f"{TAG}:seats:{group_id or NO_ID}"


def bought(household_id: str, product_id: str) -> str:
    """Units of a product, or of a flash sale's quota, that a household took within a day."""
    return f"{BOUGHT}{household_id or NO_ID}:{product_id or NO_ID}"


def idem(order_id: str) -> str:
    """The answer to an idempotency key."""
    return f"{TAG}:idem:{order_id}"


def coupon(coupon_id: str) -> str:
    """The order that took a coupon."""
    return f"{COUPON}{coupon_id}"


def applied(change_id: str) -> str:
    """Mark of a change that was applied to the gate."""
    return f"{TAG}:applied:{change_id}"


def row(product_id: str, store_id: str) -> str:
    """Field of `available`, `held` and `settled`."""
    return f"{product_id}|{store_id}"
