"""The record in SQL: engine, schema, migrations, and every money, stock and order move."""
