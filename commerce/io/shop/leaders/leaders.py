"""All use cases of leaders."""

from commerce.io.shop.context import ShopContext
from commerce.io.shop.leaders.commission import Commission
from commerce.io.shop.leaders.handover import LeaderHandover
from commerce.io.shop.leaders.home import LeaderHome
from commerce.io.shop.leaders.reminders import Reminders
from commerce.io.shop.leaders.walk import DeliveryWalk
from commerce.io.shop.pickup_codes import PickupCodes


class Leaders:
    """What a leader does, by subject."""

    def __init__(self, shop: ShopContext, codes: PickupCodes) -> None:
        self.home = LeaderHome(shop)
        self.handover = LeaderHandover(shop, codes)
        self.reminders = Reminders(shop)
        self.walk = DeliveryWalk(shop, codes)
        self.commission = Commission(shop)
