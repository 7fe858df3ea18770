"""The SQL of the key figures, from silver: a row is (key, part, whole) of an estate or store.

`{brand}`, `{month}` and the `{before}` it stand for what is asked; `{in_month}` compares `day`, by
which tables are partitioned, so that no other files are read, and `{near}` the same from the month
before to a week after. `{begin_s}` and `{until_s}` are the seconds of the epoch at which the month
begins and ends, or now if that is earlier. A household belongs to the estate of its latest order.
"""

# Paid orders with their household and estate; a line each would count an order more than once.
_PAID = """
paid AS (
    SELECT DISTINCT m.order_id, o.person, o.estate, m.occurred_at, substr(m.day, 1, 7) AS month,
        date_trunc('week', m.occurred_at + INTERVAL '8 hours') AS week
    FROM money m JOIN order_lines o ON o.order_id = m.order_id
    WHERE m.kind = 'charge' AND o.brand = '{brand}' AND o.line = 0 AND m.{near} AND o.{near}
),
home AS (
    SELECT person, estate FROM (
        SELECT person, estate, row_number() OVER (
            PARTITION BY person ORDER BY occurred_at DESC, order_id DESC) AS latest
        FROM paid
    ) WHERE latest = 1
)
"""

GMV_PER_ESTATE = """
SELECT estate,
    CAST(SUM(CASE WHEN kind = 'charge' THEN amount_fen ELSE -amount_fen END) AS BIGINT),
    CAST(MAX(CASE WHEN kind = 'charge' THEN 1 ELSE 0 END) AS BIGINT)
FROM money
WHERE brand = '{brand}' AND {in_month} AND kind IN ('charge', 'refund')
GROUP BY estate
"""

TWICE = (
    f"WITH {_PAID},"
    """
buyers AS (
    SELECT person, COUNT(DISTINCT order_id) AS orders
    FROM paid WHERE month = '{month}' GROUP BY person
)
SELECT home.estate, COUNT(CASE WHEN orders >= 2 THEN 1 END), COUNT(*)
FROM buyers JOIN home ON home.person = buyers.person GROUP BY home.estate
"""
)

AGAIN = (
    f"WITH {_PAID},"
    """
earlier AS (SELECT DISTINCT person FROM paid WHERE month = '{before}'),
later AS (SELECT DISTINCT person FROM paid WHERE month = '{month}')
SELECT home.estate, COUNT(later.person), COUNT(*)
FROM earlier JOIN home ON home.person = earlier.person
LEFT JOIN later ON later.person = earlier.person
GROUP BY home.estate
"""
)

WEEKLY = (
    f"WITH {_PAID},"
    """
weeks AS (SELECT DISTINCT person, week FROM paid)
SELECT home.estate, COUNT(later.person), COUNT(*)
FROM weeks earlier JOIN home ON home.person = earlier.person
LEFT JOIN weeks later
    ON later.person = earlier.person AND later.week = earlier.week + INTERVAL '7 days'
WHERE to_char(earlier.week + INTERVAL '7 days', '%Y-%m') = '{month}'
    AND earlier.week + INTERVAL '7 days' IN (SELECT week FROM weeks)
GROUP BY home.estate
"""
)

HOUSEHOLDS_SERVED = """
SELECT o.estate, COUNT(DISTINCT o.person), CAST(0 AS BIGINT)
FROM order_moves v JOIN order_lines o ON o.order_id = v.order_id
WHERE o.brand = '{brand}' AND o.line = 0 AND v.to_state IN ('handed_over', 'delivered')
    AND v.{in_month} AND o.{near}
GROUP BY o.estate
"""

ON_TIME = """
WITH packed AS (
    SELECT order_id, MIN(occurred_at) AS packed_at FROM order_moves
    WHERE to_state IN ('packed', 'ready', 'handed_over') AND brand = '{brand}' AND {near}
    GROUP BY order_id
),
dues AS (
    SELECT order_id, due_at, occurred_at FROM order_moves WHERE due_at IS NOT NULL AND {near}
    UNION ALL
    SELECT order_id, due_at, occurred_at FROM order_lines
    WHERE line = 0 AND due_at IS NOT NULL AND {near}
),
promised AS (
    SELECT p.order_id, p.packed_at, d.due_at, row_number() OVER (
        PARTITION BY p.order_id ORDER BY d.occurred_at DESC, d.due_at DESC) AS latest
    FROM packed p JOIN dues d ON d.order_id = p.order_id AND d.occurred_at <= p.packed_at
)
SELECT o.estate, COUNT(CASE WHEN packed_at <= promised.due_at THEN 1 END), COUNT(*)
FROM promised JOIN order_lines o ON o.order_id = promised.order_id AND o.line = 0
WHERE latest = 1 AND o.brand = '{brand}' AND o.{near}
    AND to_char(packed_at + INTERVAL '8 hours', '%Y-%m') = '{month}'
GROUP BY o.estate
"""

WASTE = """
SELECT place, CAST(SUM(wasted) AS BIGINT), CAST(SUM(received) AS BIGINT) FROM (
    SELECT CASE WHEN to_id = 'waste' THEN from_id ELSE to_id END AS place,
        CASE WHEN to_id = 'waste' THEN units ELSE 0 END AS wasted,
        CASE WHEN from_id = 'supplier' THEN units ELSE 0 END AS received
    FROM lot_moves
    WHERE brand = '{brand}' AND {in_month}
        AND (to_id = 'waste' OR from_id = 'supplier')
) GROUP BY place
"""

SELL_THROUGH = """
SELECT store_id,
    CAST(SUM(CASE kind WHEN 'sell' THEN units WHEN 'release' THEN -units ELSE 0 END) AS BIGINT),
    CAST(SUM(CASE kind WHEN 'receive' THEN units ELSE 0 END) AS BIGINT)
FROM stock_moves WHERE brand = '{brand}' AND {in_month}
GROUP BY store_id
"""

# What may be sold is what came less what was ordered, thrown away or moved on; a hand-over does not
# change it. A delivery is in both tables. A product counts from its first delivery, while some came
# within the last 31 days before the month or in it.
STOCK_OUT = """
WITH units AS (
    SELECT store_id, product_id, occurred_at, sequence, kind = 'receive' AS came,
        CASE kind WHEN 'receive' THEN units WHEN 'release' THEN units WHEN 'sell' THEN -units
            ELSE 0 END AS change
    FROM stock_moves WHERE brand = '{brand}'
    UNION ALL
    SELECT substr(to_id, 6), product_id, occurred_at, sequence, TRUE, units
    FROM lot_moves WHERE brand = '{brand}' AND to_id LIKE 'shop:%' AND from_id <> 'supplier'
    UNION ALL
    SELECT substr(from_id, 6), product_id, occurred_at, sequence, FALSE, -units
    FROM lot_moves WHERE brand = '{brand}' AND from_id LIKE 'shop:%'
),
moves AS (
    SELECT store_id, product_id, sequence, came, change,
        CAST(date_part('epoch', occurred_at) AS BIGINT) AS at_s
    FROM units WHERE date_part('epoch', occurred_at) < {until_s}
),
begun AS (
    SELECT store_id, product_id, MIN(at_s) AS first_s FROM moves WHERE came
    GROUP BY store_id, product_id HAVING MAX(at_s) >= {begin_s} - 31 * 86400
),
levels AS (
    SELECT m.store_id, m.product_id, at_s,
        SUM(change) OVER (PARTITION BY m.store_id, m.product_id
            ORDER BY at_s, sequence ROWS UNBOUNDED PRECEDING) AS level,
        LEAD(at_s, 1, {until_s}) OVER (PARTITION BY m.store_id, m.product_id
            ORDER BY at_s, sequence) AS next_s
    FROM moves m JOIN begun b ON b.store_id = m.store_id AND b.product_id = m.product_id
    WHERE m.at_s >= b.first_s
),
clipped AS (
    SELECT store_id, level,
        next_s - CASE WHEN at_s < {begin_s} THEN {begin_s} ELSE at_s END AS seconds
    FROM levels WHERE next_s > {begin_s}
)
SELECT store_id,
    CAST(SUM(CASE WHEN level <= 0 THEN seconds ELSE 0 END) / 60 AS BIGINT),
    CAST(SUM(seconds) / 60 AS BIGINT)
FROM clipped GROUP BY store_id
"""

GMV_BY_STORE = """
SELECT o.store_id,
    CAST(SUM(CASE WHEN m.kind = 'charge' THEN m.amount_fen ELSE -m.amount_fen END) AS BIGINT),
    CAST(0 AS BIGINT)
FROM money m JOIN order_lines o ON o.order_id = m.order_id AND o.line = 0
WHERE m.brand = '{brand}' AND m.{in_month} AND m.kind IN ('charge', 'refund')
GROUP BY o.store_id
"""

# Whole months since the month of an estate's first payment; 0 is that month itself.
RAMP = """
WITH months AS (
    SELECT estate, substr(day, 1, 7) AS month,
        CAST(substr(day, 1, 4) AS BIGINT) * 12 + CAST(substr(day, 6, 2) AS BIGINT) AS number,
        SUM(CASE WHEN kind = 'charge' THEN amount_fen ELSE -amount_fen END) AS gmv_fen
    FROM money WHERE brand = '{brand}' AND kind IN ('charge', 'refund')
    GROUP BY estate, substr(day, 1, 7),
        CAST(substr(day, 1, 4) AS BIGINT) * 12 + CAST(substr(day, 6, 2) AS BIGINT)
),
begun AS (SELECT estate, MIN(number) AS first FROM months GROUP BY estate)
SELECT m.estate, m.month, m.number - b.first AS age_months, CAST(m.gmv_fen AS BIGINT) AS gmv_fen
FROM months m JOIN begun b ON b.estate = m.estate
WHERE m.month <= '{month}' AND m.number - b.first < 24
ORDER BY m.estate, age_months
"""

IS_SIMULATED = """
SELECT COUNT(*) FROM (
    SELECT 1 FROM money
    WHERE source IN ('simulator', 'completejourney') AND brand = '{brand}' LIMIT 1
)
"""
