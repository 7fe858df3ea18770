"""Use cases of a shop: catalogue, groups, orders, fulfilment."""
