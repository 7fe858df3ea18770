"""All that the head office edits of goods, one attribute per kind."""

from commerce.io.shop.context import ShopContext
from commerce.io.shop.goods.categories import Categories
from commerce.io.shop.goods.explanations import Explanations
from commerce.io.shop.goods.note_cards import NoteCards
from commerce.io.shop.goods.pictures import ProductPictures
from commerce.io.shop.goods.products import Products
from commerce.io.shop.goods.rules import assortment_lists, price_lists


class AllGoods:
    """Categories, products, their rules and note cards, and why an offer is what it is."""

    def __init__(self, shop: ShopContext) -> None:
        self.categories = Categories(shop)
        self.products = Products(shop)
        self.prices = price_lists(shop)
        self.assortment = assortment_lists(shop)
        self.pictures = ProductPictures(shop)
        self.note_cards = NoteCards(shop)
        self.explanations = Explanations(shop)
