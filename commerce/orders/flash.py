"""The rule of a flash sale at the gate: from which quota a tap is sold at its price, if at all."""

from dataclasses import dataclass

from commerce.errors import Refusal


@dataclass(frozen=True, slots=True)
class GateFlash:
    """What the gate knows of a room's flash sale of a product; its units are a quota."""

    id: str
    starts_at_ms: int
    ends_at_ms: int
    price_fen: int
    household_limit: int


@dataclass(frozen=True, slots=True)
class FlashAnswer:
    """Whether a tap is sold in a flash sale: from the household's own right, from all units, no.

    A `refusal` ends the tap; with neither, it goes on at the plain price.
    """

    from_right: bool = False
    from_all: bool = False
    refusal: Refusal | None = None
    left: int = 0


def flash_answer(
    sale: GateFlash,
    *,
    asked: bool,
    seen_fen: int | None,
    units: int,
    right: int,
    free: int,
    bought: int,
    at_ms: int,
) -> FlashAnswer:
    """Decide a tap of a product that is, was or will be in a flash sale.

    The household's own right comes first, and outlives the sale. Who asked for the sale, or saw its
    price while it runs, is refused where it gives nothing.

    Args:
        asked: Whether the buyer asked for this very sale.
        seen_fen: The price that they saw, if they say.
        units: How many they want.
        right: Units that only their household may take.
        free: Units that are left for all.
        bought: What the household took in this sale.
        at_ms: Now.
    """
    if at_ms < sale.starts_at_ms:
        return FlashAnswer(refusal=Refusal.NOT_YET if asked else None, left=sale.starts_at_ms)
    over = at_ms >= sale.ends_at_ms
    if over:
        free = 0
    wanted = asked or (not over and seen_fen == sale.price_fen)
    if max(right, free) < units:
        if not wanted:
            return FlashAnswer()
        if over and not right:
            return FlashAnswer(refusal=Refusal.FLASH_OVER)
        return FlashAnswer(refusal=Refusal.FLASH_SOLD_OUT, left=max(0, right, free))
    if bought + units > sale.household_limit:
        if not wanted:
            return FlashAnswer()
        left = max(0, sale.household_limit - bought)
        return FlashAnswer(refusal=Refusal.LIMIT_REACHED, left=left)
    return FlashAnswer(from_right=right >= units, from_all=right < units)
