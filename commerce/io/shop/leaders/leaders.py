"""All use cases of leaders."""

from commerce.io.shop.context import ShopContext
from commerce.io.shop.leaders.home import LeaderHome


class Leaders:
    """What a leader does, by subject."""

    def __init__(self, shop: ShopContext) -> None:
        self.home = LeaderHome(shop)
