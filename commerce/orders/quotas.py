"""Quotas: what may run out and lies in no store, counted by name beside the units of the stock.

A quota is a row of the gate and of the record like those of goods: available, held, moves. That of
a flash sale are its units; the right of a household to a unit that came back is one of its own.
"""

from commerce.orders.lines import Needs

FLASH = "flash:"
PLACE = ""
"""Stands for the store in the gate's rows of quotas."""


def flash_quota(sale_id: str) -> str:
    """Return the name of the units of a flash sale."""
    return f"{FLASH}{sale_id}"


def right_quota(sale_id: str, household_id: str) -> str:
    """Return the name of the units that a household alone may take for a while."""
    return f"{FLASH}{sale_id}:{household_id}"


def is_quota(name: str) -> bool:
    """Whether that counts a quota, not an item or a slot."""
    return name.startswith(FLASH)


def sale_of(name: str) -> str:
    """Return the flash sale of a quota, empty if it is not of one."""
    return name.removeprefix(FLASH).partition(":")[0] if name.startswith(FLASH) else ""


def counted_as(quotas: Needs) -> Needs:
    """Return units by the name under which a household's limit of a sale counts them."""
    return tuple(
        (flash_quota(sale_of(name)), units) for name, units in quotas if name.startswith(FLASH)
    )
