"""All about campaigns and coupons."""

from collections.abc import Callable

from redis.asyncio import Redis

from commerce.io.shop.context import ShopContext
from commerce.io.shop.coupons.campaigns import Campaigns
from commerce.io.shop.coupons.releases import Releases
from commerce.io.shop.coupons.stays import Stays
from commerce.io.shop.coupons.wallet import Coupons
from commerce.io.shop.households import Households


class AllCoupons:
    """The campaigns of the head office, and the coupons of neighbours."""

    def __init__(
        self,
        shop: ShopContext,
        redis: Redis,
        households: Households,
        new_id: Callable[[], str],
    ) -> None:
        self.campaigns = Campaigns(shop, new_id)
        self.wallets = Coupons(shop, households, new_id)
        self.releases = Releases(shop, self.wallets, new_id)
        self.stays = Stays(redis, shop.clock)
