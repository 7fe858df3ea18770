"""Use cases of campaigns and coupons."""
