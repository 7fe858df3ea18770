"""All that keeps order in rooms' chats."""

from collections.abc import Callable

from commerce.io.shop.context import ShopContext
from commerce.io.shop.households import Households
from commerce.io.shop.moderation.cohosts import Cohosts
from commerce.io.shop.moderation.lines import FlaggedLines
from commerce.io.shop.moderation.sanctions import Sanctions
from commerce.io.shop.moderation.settings import ModerationSettings


class Moderation:
    """The settings, the sanctions, the listed lines and the co-hosts of each room."""

    def __init__(
        self, shop: ShopContext, households: Households, new_id: Callable[[], str]
    ) -> None:
        self.settings = ModerationSettings(shop)
        self.sanctions = Sanctions(shop, new_id)
        self.cohosts = Cohosts(shop, new_id)
        self.lines = FlaggedLines(shop, households, new_id)
