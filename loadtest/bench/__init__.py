"""`linli bench`: one figure each, on pinned cores."""
