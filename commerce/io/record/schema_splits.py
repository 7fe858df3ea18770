"""The table of split orders; part of the record's schema.

A row is written before the gate is asked, so that whatever dies, the two orders are known to be of
one tap. Either may never come to the record; neither is referred to by a key for that.
`ended_at_ms` is when one of them was ended, as the other could not be had.
"""

from sqlalchemy import Column, Index, String, Table

from commerce.io.record.columns import id_column, metadata, ref, time_column

split_orders = Table(
    "split_orders",
    metadata,
    id_column(),  # of the first order
    Column("second_id", String(64), nullable=False, unique=True),
    ref("brand_id", "brands.id"),
    time_column("made_at_ms"),
    time_column("ended_at_ms", nullable=True),
)
Index("ix_split_orders_made", split_orders.c.made_at_ms)
