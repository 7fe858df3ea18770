"""The world of commerce: SQL (the record), Redis (the gate), payment providers."""
