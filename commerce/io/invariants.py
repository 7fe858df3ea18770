"""What never holds on a sound record: a query per invariant, which finds what violates it."""

# Units of items that orders took: by an order of one item, a line of one, or a part of a set.
_TAKEN = """
    SELECT id AS order_id, store_id, state, refused, product_id, quantity AS units
    FROM orders WHERE line_count = 0
    UNION ALL
    SELECT o.id, o.store_id, o.state, o.refused, l.product_id, l.units
    FROM order_lines l JOIN orders o ON o.id = l.order_id WHERE l.recipe_version = 0
    UNION ALL
    SELECT o.id, o.store_id, o.state, o.refused, p.item_id, p.units
    FROM order_parts p JOIN orders o ON o.id = p.order_id
"""

# Each query returns what violates the invariant: nothing, on a sound record.
INVARIANTS: dict[str, str] = {
    "sold is within what is on hand": """
        SELECT product_id, store_id, on_hand, sold FROM stock WHERE sold < 0 OR sold > on_hand
    """,
    "stock is the sum of its moves": """
        SELECT s.product_id, s.store_id, s.on_hand, s.sold, SUM(m.units) FROM stock s
        LEFT JOIN (
            SELECT product_id, store_id, kind, units FROM stock_moves
            UNION ALL
            SELECT m.product_id, l.store_id, 'other',
                   CASE WHEN l.id = m.to_id THEN m.units ELSE -m.units END
            FROM lot_moves m JOIN locations l ON l.kind = 'shop' AND l.id IN (m.from_id, m.to_id)
            WHERE m.kind NOT IN ('opening', 'receive', 'sell', 'release')
        ) m ON m.product_id = s.product_id AND m.store_id = s.store_id
        GROUP BY s.product_id, s.store_id, s.on_hand, s.sold
        HAVING s.on_hand <> COALESCE(SUM(CASE m.kind WHEN 'receive' THEN m.units
                                         WHEN 'other' THEN m.units
                                         WHEN 'hand_over' THEN -m.units ELSE 0 END), 0)
            OR s.sold <> COALESCE(SUM(CASE m.kind WHEN 'sell' THEN m.units
                                      WHEN 'release' THEN -m.units
                                      WHEN 'hand_over' THEN -m.units ELSE 0 END), 0)
    """,
    "lots of a shop are what may be sold": """
        SELECT s.product_id, s.store_id, s.on_hand - s.sold, SUM(b.units) FROM stock s
        LEFT JOIN balances b ON b.location_id = 'shop:' || s.store_id
            AND b.product_id = s.product_id
        GROUP BY s.product_id, s.store_id, s.on_hand, s.sold
        HAVING s.on_hand - s.sold <> COALESCE(SUM(b.units), 0)
    """,
    "a lot's balance is the sum of its moves": """
        SELECT b.location_id, b.lot_id, b.units, SUM(m.units) FROM balances b
        LEFT JOIN (
            SELECT to_id AS location_id, lot_id, units FROM lot_moves
            UNION ALL SELECT from_id, lot_id, -units FROM lot_moves
        ) m ON m.location_id = b.location_id AND m.lot_id = b.lot_id
        GROUP BY b.location_id, b.lot_id, b.units
        HAVING b.units <> COALESCE(SUM(m.units), 0)
    """,
    "what is in transit was sent and has not arrived": """
        SELECT t.to_store_id, t.product_id, t.units, b.units FROM (
            SELECT to_store_id, product_id, SUM(units) AS units FROM stock_transfers
            WHERE received_at_ms IS NULL GROUP BY to_store_id, product_id
        ) t LEFT JOIN (
            SELECT l.store_id, b.product_id, SUM(b.units) AS units FROM balances b
            JOIN locations l ON l.id = b.location_id AND l.kind = 'transit'
            GROUP BY l.store_id, b.product_id
        ) b ON b.store_id = t.to_store_id AND b.product_id = t.product_id
        WHERE t.units <> COALESCE(b.units, 0)
    """,
    "prizes that are set aside are of draws that go on": """
        SELECT b.store_id, b.product_id, b.units, d.units FROM (
            SELECT l.store_id, b.product_id, SUM(b.units) AS units FROM balances b
            JOIN locations l ON l.id = b.location_id AND l.kind = 'prize'
            GROUP BY l.store_id, b.product_id
        ) b LEFT JOIN (
            SELECT store_id, product_id, SUM(winners) AS units FROM draws
            WHERE state IN ('open', 'closed') GROUP BY store_id, product_id
        ) d ON d.store_id = b.store_id AND d.product_id = b.product_id
        WHERE b.units <> COALESCE(d.units, 0)
    """,
    "a till's line moved its units once": """
        SELECT p.till_id, p.number, p.line, p.kind, p.units, SUM(m.units) FROM pos_lines p
        LEFT JOIN pos_voids v ON v.till_id = p.till_id AND v.number = p.number
        LEFT JOIN (
            SELECT source, line, CASE to_id WHEN 'pos' THEN units ELSE -units END AS units
            FROM lot_moves WHERE 'pos' IN (from_id, to_id)
        ) m ON m.source = 'pos:' || p.till_id || ':' || p.number
            AND m.line = CAST(p.line AS VARCHAR(20))
        WHERE p.product_id IS NOT NULL
        GROUP BY p.till_id, p.number, p.line, p.kind, p.units, v.number
        HAVING COALESCE(SUM(m.units), 0) <> CASE WHEN v.number IS NOT NULL THEN 0
            WHEN p.kind = 'sale' THEN p.units ELSE -p.units END
    """,
    "sold is what open orders hold": f"""
        SELECT s.product_id, s.store_id, s.sold, SUM(t.units) FROM stock s
        LEFT JOIN ({_TAKEN}) t ON t.product_id = s.product_id AND t.store_id = s.store_id
            AND t.state NOT IN ('cancelled', 'expired', 'returned', 'handed_over', 'delivered')
        GROUP BY s.product_id, s.store_id, s.sold HAVING s.sold <> COALESCE(SUM(t.units), 0)
    """,
    "every order took its stock once": f"""
        SELECT t.order_id, t.product_id, t.units, m.units FROM (
            SELECT order_id, store_id, product_id, SUM(units) AS units FROM ({_TAKEN}) each_taken
            WHERE refused IS NULL GROUP BY order_id, store_id, product_id
        ) t LEFT JOIN stock_moves m ON m.kind = 'sell' AND m.order_id = t.order_id
            AND m.product_id = t.product_id AND m.store_id = t.store_id
        WHERE m.units IS NULL OR m.units <> t.units
    """,
    "what was taken is in an order": f"""
        SELECT m.order_id, m.product_id, m.units FROM stock_moves m
        LEFT JOIN ({_TAKEN}) t ON t.order_id = m.order_id AND t.product_id = m.product_id
            AND t.refused IS NULL
        WHERE m.kind = 'sell' AND t.order_id IS NULL
    """,
    "slots are taken by the orders that are not cancelled": """
        SELECT s.store_id, s.name, s.capacity, s.taken, COUNT(o.id) FROM slots s
        LEFT JOIN orders o ON o.store_id = s.store_id AND o.slot = s.name
            AND o.state NOT IN ('cancelled', 'expired', 'returned')
        GROUP BY s.store_id, s.name, s.capacity, s.taken
        HAVING s.taken <> COUNT(o.id) OR s.taken > s.capacity
    """,
    "a quota is never passed": """
        SELECT name, capacity, taken FROM quotas WHERE taken < 0 OR taken > capacity
    """,
    "the quotas of a flash sale share out its units": """
        SELECT s.id, s.units, SUM(q.capacity) FROM flash_sales s
        JOIN quotas q ON q.name = 'flash:' || s.id OR q.name LIKE 'flash:' || s.id || ':%'
        GROUP BY s.id, s.units HAVING s.units <> SUM(q.capacity)
    """,
    "an order is the sum of its lines": """
        SELECT o.id, o.line_count, o.total_fen, SUM(l.total_fen - l.discount_fen) FROM orders o
        LEFT JOIN order_lines l ON l.order_id = o.id
        GROUP BY o.id, o.line_count, o.total_fen
        HAVING o.line_count <> COUNT(l.line)
            OR (o.line_count > 0 AND o.total_fen <> SUM(l.total_fen - l.discount_fen))
    """,
    "a line of sets is the sum of its parts": """
        SELECT l.order_id, l.line, l.total_fen, l.discount_fen, SUM(p.share_fen)
        FROM order_lines l
        JOIN orders o ON o.id = l.order_id AND o.refused IS NULL
        LEFT JOIN order_parts p ON p.order_id = l.order_id AND p.line = l.line
        WHERE l.recipe_version > 0
        GROUP BY l.order_id, l.line, l.total_fen, l.discount_fen
        HAVING l.total_fen - l.discount_fen <> COALESCE(SUM(p.share_fen), -1)
    """,
    "what came off an order is the sum of its discounts": """
        SELECT o.id, o.discount_fen, SUM(d.amount_fen) FROM orders o
        LEFT JOIN order_discounts d ON d.order_id = o.id
        GROUP BY o.id, o.discount_fen HAVING o.discount_fen <> COALESCE(SUM(d.amount_fen), 0)
    """,
    "no line is discounted beyond its price": """
        SELECT d.order_id, d.line, SUM(d.amount_fen) FROM order_discounts d
        JOIN orders o ON o.id = d.order_id
        LEFT JOIN order_lines l ON l.order_id = d.order_id AND l.line = d.line
        GROUP BY d.order_id, d.line, l.order_id, l.total_fen, l.discount_fen, o.total_fen,
            o.discount_fen
        HAVING SUM(d.amount_fen) > COALESCE(l.total_fen, o.total_fen + o.discount_fen)
            OR SUM(d.amount_fen) <> COALESCE(l.discount_fen, o.discount_fen)
    """,
    "coupons of a campaign are within its budget": """
        SELECT c.id, c.budget_fen, c.taken_fen, SUM(k.value_fen) FROM campaigns c
        LEFT JOIN coupons k ON k.campaign_id = c.id AND k.state <> 'expired'
        GROUP BY c.id, c.budget_fen, c.taken_fen
        HAVING c.taken_fen <> COALESCE(SUM(k.value_fen), 0) OR c.taken_fen > c.budget_fen
    """,
    "pieces of a release are its coupons": """
        SELECT r.id, r.pieces, r.claimed, COUNT(k.id) FROM coupon_releases r
        LEFT JOIN coupons k ON k.release_id = r.id
        GROUP BY r.id, r.pieces, r.claimed
        HAVING r.claimed <> COUNT(k.id) OR r.claimed > r.pieces
    """,
    "a coupon that is taken is in one order that is not cancelled": """
        SELECT k.id, k.state, o.state FROM coupons k
        LEFT JOIN orders o ON o.id = k.order_id
        LEFT JOIN order_discounts d ON d.order_id = k.order_id AND d.source = k.id
        WHERE k.state IN ('held', 'used')
        GROUP BY k.id, k.state, o.state
        HAVING COALESCE(o.state, 'cancelled') IN ('cancelled', 'expired', 'returned')
            OR COUNT(d.order_id) = 0
            OR (k.state = 'held') <> (o.state IN ('waiting_group', 'waiting_payment'))
    """,
    "what coupons may still take off is what is claimed": """
        SELECT x.brand_id, SUM(x.fen) FROM (
            SELECT brand_id, amount_fen AS fen FROM money_entries WHERE account = 'coupons'
            UNION ALL
            SELECT c.brand_id, -k.value_fen FROM coupons k
            JOIN campaigns c ON c.id = k.campaign_id WHERE k.state = 'claimed'
        ) x GROUP BY x.brand_id HAVING SUM(x.fen) <> 0
    """,
    "money sums to zero": """
        SELECT SUM(amount_fen) FROM money_entries HAVING COALESCE(SUM(amount_fen), 0) <> 0
    """,
    "the trial balance of every day is zero": """
        SELECT brand_id, period, SUM(amount_fen) FROM money_entries
        GROUP BY brand_id, period HAVING SUM(amount_fen) <> 0
    """,
    "a transfer of an order is in its brand's books": """
        SELECT t.id, t.brand_id, s.brand_id FROM money_transfers t
        JOIN orders o ON o.id = t.order_id JOIN stores s ON s.id = o.store_id
        WHERE t.period <> '' AND t.brand_id <> s.brand_id
    """,
    "what is not earned is paid, not given back and not handed over": """
        SELECT o.id, o.state, SUM(e.amount_fen) FROM orders o
        LEFT JOIN money_entries e ON e.order_id = o.id AND e.account = 'unearned'
        GROUP BY o.id, o.state, o.paid_fen, o.refunded_fen
        HAVING COALESCE(SUM(e.amount_fen), 0) <> CASE WHEN o.state IN ('handed_over', 'delivered')
            THEN COALESCE((
            SELECT SUM(r.amount_fen) FROM refunds r WHERE r.order_id = o.id
                AND r.account = 'unearned' AND r.done_at_ms IS NULL), 0)
            ELSE o.paid_fen - o.refunded_fen END
    """,
    "refunds are within what was paid": """
        SELECT id, paid_fen, refunded_fen FROM orders
        WHERE refunded_fen < 0 OR refunded_fen > paid_fen
    """,
    "orders and money agree": """
        SELECT o.id, o.paid_fen, o.refunded_fen FROM orders o
        LEFT JOIN money_transfers t ON t.order_id = o.id
        GROUP BY o.id, o.paid_fen, o.refunded_fen, o.state
        HAVING o.paid_fen <> COALESCE(SUM(CASE t.kind WHEN 'charge' THEN t.amount_fen END), 0)
            OR o.refunded_fen <> COALESCE(SUM(CASE t.kind WHEN 'refund' THEN t.amount_fen END), 0)
            OR COALESCE(SUM(CASE t.kind WHEN 'earn' THEN t.amount_fen END), 0)
               <> CASE WHEN o.state IN ('handed_over', 'delivered') THEN o.paid_fen - COALESCE((
                   SELECT SUM(r.amount_fen) FROM refunds r
                   WHERE r.order_id = o.id AND r.account = 'unearned'), 0) ELSE 0 END
    """,
    "refunds that were made are booked": """
        SELECT o.id, o.refunded_fen, SUM(r.amount_fen) FROM orders o
        LEFT JOIN refunds r ON r.order_id = o.id AND r.done_at_ms IS NOT NULL
        GROUP BY o.id, o.refunded_fen HAVING o.refunded_fen <> COALESCE(SUM(r.amount_fen), 0)
    """,
    "no line or part is refunded beyond its price": """
        SELECT r.order_id, r.line, r.part, SUM(r.amount_fen) FROM refunds r
        LEFT JOIN order_parts p ON p.order_id = r.order_id AND p.line = r.line AND p.part = r.part
        LEFT JOIN order_lines l ON l.order_id = r.order_id AND l.line = r.line
        JOIN orders o ON o.id = r.order_id
        GROUP BY r.order_id, r.line, r.part, p.share_fen, l.total_fen, l.discount_fen, o.paid_fen
        HAVING SUM(r.amount_fen) > COALESCE(p.share_fen, l.total_fen - l.discount_fen, o.paid_fen)
    """,
    "a call carries its refunds": """
        SELECT c.order_id, c.n, c.amount_fen, SUM(r.amount_fen) FROM refund_calls c
        LEFT JOIN refunds r ON r.order_id = c.order_id AND r.call_n = c.n
        GROUP BY c.order_id, c.n, c.amount_fen
        HAVING c.amount_fen <> COALESCE(SUM(r.amount_fen), 0)
    """,
    "only paid orders are fulfilled": """
        SELECT id, state FROM orders
        WHERE state NOT IN ('cancelled', 'expired', 'waiting_payment') AND paid_fen <> total_fen
    """,
    "an order that waits for its payment has one live intent, and only such a one": """
        SELECT o.id, o.state, i.id, i.state FROM orders o
        LEFT JOIN intents i ON i.order_id = o.id AND i.state IN ('created', 'action')
        WHERE (o.state = 'waiting_payment') <> (i.id IS NOT NULL)
            OR (i.id IS NOT NULL AND (o.paid_fen > 0 OR i.amount_fen <> o.total_fen))
    """,
    "an intent is paid exactly when its payment is among its events, and in its order": """
        SELECT i.id, i.state, o.paid_fen, COUNT(e.id) FROM intents i
        JOIN orders o ON o.id = i.order_id
        LEFT JOIN payment_events e ON e.intent_id = i.id AND e.kind = 'paid'
        GROUP BY i.id, i.state, o.paid_fen, i.amount_fen
        HAVING (COUNT(e.id) > 0) <> (i.state IN ('paid', 'paid_late', 'honoured', 'refunding'))
            OR (COUNT(e.id) > 0 AND o.paid_fen <> i.amount_fen)
    """,
    "no late payment is left undecided": """
        SELECT id FROM intents WHERE state = 'paid_late' AND due_at_ms IS NULL
    """,
    "an order that was paid late is taken up again or refunded": """
        SELECT i.id, i.state, o.state FROM intents i JOIN orders o ON o.id = i.order_id
        WHERE (i.state = 'honoured' AND o.state = 'expired')
            OR (i.state IN ('paid_late', 'refunding') AND o.state NOT IN ('expired', 'cancelled'))
    """,
    "cancelled and paid orders are refunded": """
        SELECT o.id, o.paid_fen, SUM(r.amount_fen) FROM orders o
        LEFT JOIN refunds r ON r.order_id = o.id
        WHERE o.state IN ('cancelled', 'expired', 'returned') AND o.paid_fen > 0
            AND NOT EXISTS (
                SELECT 1 FROM intents i WHERE i.order_id = o.id AND i.state = 'paid_late')
        GROUP BY o.id, o.paid_fen HAVING o.paid_fen <> COALESCE(SUM(r.amount_fen), 0)
    """,
    "a refund that waits is in the outbox": """
        SELECT r.order_id FROM refunds r
        LEFT JOIN refund_calls c ON c.order_id = r.order_id AND c.n = r.call_n
        WHERE r.done_at_ms IS NULL AND COALESCE(c.state, '') <> 'failed'
            AND (r.call_n IS NOT NULL OR NOT EXISTS (
                SELECT 1 FROM refund_calls x WHERE x.order_id = r.order_id AND x.n = 50))
            AND NOT EXISTS (
                SELECT 1 FROM outbox b WHERE b.topic = 'refund' AND b.subject = r.order_id)
    """,
    "the counter is the number of paying households": """
        SELECT g.id, g.state, g.joined, COUNT(DISTINCT COALESCE(o.household_id, o.guest_id))
        FROM buying_groups g
        LEFT JOIN orders o ON o.group_id = g.id AND o.refused IS NULL AND o.paid_fen > 0
            AND o.state <> 'expired' AND (o.state NOT IN ('cancelled', 'returned')
                OR (g.state = 'expired' AND NOT EXISTS (
                    SELECT 1 FROM order_moves m WHERE m.order_id = o.id
                        AND m.from_state = 'waiting_payment' AND m.to_state = 'cancelled')))
        GROUP BY g.id, g.state, g.joined
        HAVING g.joined <> COUNT(DISTINCT COALESCE(o.household_id, o.guest_id))
    """,
    "a seat is a household's order": """
        SELECT s.group_id, s.household_id FROM group_seats s
        LEFT JOIN orders o ON o.id = s.order_id AND o.group_id = s.group_id
            AND COALESCE(o.household_id, o.guest_id) = s.household_id AND o.refused IS NULL
        WHERE o.id IS NULL
    """,
    "orders wait only for open groups": """
        SELECT o.id, g.state FROM orders o JOIN buying_groups g ON g.id = o.group_id
        WHERE o.state = 'waiting_group' AND g.state <> 'open'
    """,
    "an open group has not reached its target": """
        SELECT id, joined, target FROM buying_groups WHERE state = 'open' AND joined >= target
    """,
    "the price of a group falls once, and as far as its record says": """
        SELECT g.id, g.price_fen, g.first_price_fen, d.before_fen, d.price_fen FROM buying_groups g
        LEFT JOIN price_drops d ON d.group_id = g.id
        WHERE g.first_price_fen IS NOT NULL
            AND (g.price_fen <> COALESCE(d.price_fen, g.first_price_fen)
                OR d.before_fen <> g.first_price_fen)
    """,
    "where a price fell, seats that are settled have paid no more": """
        SELECT s.order_id, s.settled_fen, o.total_fen, o.quantity, SUM(r.amount_fen)
        FROM group_seats s JOIN orders o ON o.id = s.order_id
            AND o.state NOT IN ('cancelled', 'returned') AND o.line_count = 0
        LEFT JOIN refunds r ON r.order_id = o.id AND r.reason = 'price-drop'
        WHERE s.settled_fen IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM refunds e WHERE e.order_id = o.id
                AND e.reason <> 'price-drop')
        GROUP BY s.order_id, s.settled_fen, o.total_fen, o.quantity
        HAVING o.total_fen - COALESCE(SUM(r.amount_fen), 0) > o.quantity * s.settled_fen
    """,
    "an award has its counted joins, of as many households": """
        SELECT d.group_id, g.award_invites, COUNT(j.guest_id), COUNT(DISTINCT j.household_id)
        FROM price_drops d JOIN buying_groups g ON g.id = d.group_id
        LEFT JOIN invite_joins j ON j.invite_id = d.invite_id AND j.state = 'counted'
        WHERE d.reason = 'invite'
        GROUP BY d.group_id, g.award_invites
        HAVING COUNT(j.guest_id) < g.award_invites
            OR COUNT(j.guest_id) <> COUNT(DISTINCT j.household_id)
    """,
    "no order gets more back than its group's price fell by": """
        SELECT r.order_id, SUM(r.amount_fen), d.before_fen, d.price_fen FROM refunds r
        JOIN orders o ON o.id = r.order_id
        LEFT JOIN order_lines l ON l.order_id = o.id AND l.line = 0
        LEFT JOIN price_drops d ON d.group_id = o.group_id AND d.group_id = r.source
        WHERE r.reason = 'price-drop'
        GROUP BY r.order_id, d.before_fen, d.price_fen, o.quantity, l.units
        HAVING SUM(r.amount_fen) >
            COALESCE((d.before_fen - d.price_fen) * COALESCE(l.units, o.quantity), 0)
    """,
    "a code is redeemed exactly when its order is handed over": """
        SELECT c.order_id FROM pickup_codes c JOIN orders o ON o.id = c.order_id
        WHERE (c.redeemed_at_ms IS NOT NULL) <> (o.state IN ('handed_over', 'delivered'))
            OR c.store_id <> o.store_id
    """,
    "what is ready or handed over has a code": """
        SELECT o.id FROM orders o LEFT JOIN pickup_codes c ON c.order_id = o.id
        WHERE o.state IN ('ready', 'out', 'handed_over', 'delivered') AND c.code IS NULL
    """,
    "moves follow the table of transitions": """
        SELECT m.order_id, m.from_state, m.to_state FROM order_moves m
        LEFT JOIN order_transitions t
            ON t.from_state = m.from_state AND t.to_state = m.to_state
        WHERE t.from_state IS NULL
    """,
}
