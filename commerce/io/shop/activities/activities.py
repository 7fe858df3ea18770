"""All that rooms do together beside buying."""

import secrets
from collections.abc import Callable

from commerce.io.gate.gates import Gates
from commerce.io.shop.activities.draws import Draws
from commerce.io.shop.activities.flash import FlashSales
from commerce.io.shop.activities.notices import Notices
from commerce.io.shop.activities.polls import Polls
from commerce.io.shop.activities.prompter import PrompterSales
from commerce.io.shop.activities.questions import Questions
from commerce.io.shop.activities.shelves import Shelves
from commerce.io.shop.context import ShopContext
from commerce.io.shop.households import Households
from commerce.io.shop.sealing import Sealer


class Activities:
    """All that rooms do together: polls, questions, notices, draws, flash sales, lists of goods."""

    def __init__(
        self,
        shop: ShopContext,
        gates: Gates,
        households: Households,
        sealer: Sealer,
        new_id: Callable[[], str],
        random_hex: Callable[[int], str] = secrets.token_hex,
    ) -> None:
        self.polls = Polls(shop, households, new_id)
        self.questions = Questions(shop, households, new_id)
        self.notices = Notices(shop)
        self.sales = PrompterSales(shop)
        self.shelves = Shelves(shop, new_id)
        self.draws = Draws(shop, gates, households, sealer, new_id, random_hex)
        self.flash = FlashSales(shop, households, gates, new_id)
