"""The way through an estate: buildings and flats in the order in which one passes them."""

import re

_PIECES = re.compile(r"([0-9]+)")


def walk_key(building: str, flat: str) -> tuple[tuple[int, str], ...]:
    """Return the sort key of a flat: numbers by value, so that building 10 comes after 9.

    Who names no flat comes last.
    """
    if not building:
        return ((2, ""),)
    return (*_natural(building), (-1, ""), *_natural(flat))


def _natural(text: str) -> tuple[tuple[int, str], ...]:
    # Numbers before letters; a number sorts as its width and digits do.
    return tuple(
        (0, f"{len(piece.lstrip('0')):02}{piece.lstrip('0')}") if piece.isdigit() else (1, piece)
        for piece in _PIECES.split(text)
        if piece
    )
