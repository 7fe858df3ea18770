"""Use cases of goods: what the head office sells, where and at what price."""
