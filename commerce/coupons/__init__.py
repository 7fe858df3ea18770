"""Coupons: what a campaign promises a household, and what of it comes off an order."""
