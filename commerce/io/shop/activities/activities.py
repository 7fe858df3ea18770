"""All that rooms do together beside buying."""

from collections.abc import Callable

from commerce.io.shop.activities.notices import Notices
from commerce.io.shop.activities.polls import Polls
from commerce.io.shop.activities.questions import Questions
from commerce.io.shop.context import ShopContext
from commerce.io.shop.households import Households


class Activities:
    """The polls, the questions and the notice of each room."""

    def __init__(
        self, shop: ShopContext, households: Households, new_id: Callable[[], str]
    ) -> None:
        self.polls = Polls(shop, households, new_id)
        self.questions = Questions(shop, households, new_id)
        self.notices = Notices(shop)
