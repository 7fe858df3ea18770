"""Note cards: the cooking tip that goes with a product or a set, in own words or as a photo."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from commerce.catalogue.values import Text

WORDS_MAX = 200  # characters per language
WHOLE_BRAND = ""  # in place of an estate: the head office's card, for all of them


@dataclass(frozen=True, slots=True)
class NoteCard:
    """A tip for a product. `photo` is the path of one of the handwriting, or empty."""

    product_id: str
    estate_id: str
    words: Text
    photo: str
    edited_at_ms: int

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing, and so is none."""
        return not (self.words.zh or self.words.en or self.photo)


Cards = Mapping[tuple[str, str], NoteCard]  # by product and estate


def card_for(cards: Cards, product_id: str, estate_id: str) -> NoteCard | None:
    """Return a product's card in an estate: its leader's, else the head office's."""
    return cards.get((product_id, estate_id)) or cards.get((product_id, WHOLE_BRAND))


def cards_of_lines(
    cards: Cards,
    lines: Iterable[tuple[str, Sequence[str]]],
    estate_id: str,
    heads: Mapping[str, str] = MappingProxyType({}),
) -> tuple[NoteCard, ...]:
    """Return the cards for lines of a product and its parts, each once, in this order.

    A set that has a card is cooked as this says; of one without, each part has its own. A variant
    without one has that of its product, which `heads` gives.
    """

    def of(id: str) -> NoteCard | None:
        own = card_for(cards, id, estate_id)
        return own or (card_for(cards, heads[id], estate_id) if id in heads else None)

    found: dict[str, NoteCard] = {}
    for product_id, item_ids in lines:
        whole = of(product_id)
        for card in [whole] if whole else [of(id) for id in item_ids]:
            if card:
                found.setdefault(card.product_id, card)
    return tuple(found.values())
