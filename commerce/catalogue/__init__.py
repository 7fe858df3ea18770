"""Brands, estates, stores, rooms and products: the values that the rest of commerce speaks of."""
