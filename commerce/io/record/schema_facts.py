"""The tables of facts for the lake; part of the record's schema.

A row of `facts` holds what one statement of a posting changed, as JSON, written in the same
transaction. Its facts get their sequence numbers after the commit, in one order for all readers:
ids alone would not do, since on PostgreSQL a smaller one may be committed later.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text, text

from commerce.io.record.columns import SERIAL, metadata

facts = Table(
    "facts",
    metadata,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    # The number of the first of its facts; none until it is numbered.
    Column("first", BigInteger),
    Column("facts", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)
Index("uq_facts_first", facts.c.first, unique=True)
Index(
    "ix_facts_new",
    facts.c.id,
    sqlite_where=text("first IS NULL"),
    postgresql_where=text("first IS NULL"),
)

# The key by which the lake knows a household or guest; without it nobody finds them there.
person_keys = Table(
    "person_keys",
    metadata,
    Column("subject_id", String(64), primary_key=True),
    Column("key", String(32), nullable=False),
    Column("made_at_ms", BigInteger, nullable=False),
)

# Pseudonyms that the lake is still to forget, or whose older versions are still to go there.
lake_erasures = Table(
    "lake_erasures",
    metadata,
    Column("pseudonym", String(40), primary_key=True),
    Column("erased_at_ms", BigInteger, nullable=False),
    Column("rewritten_at_ms", BigInteger),
)
