"""Texts that people type for a room."""

import unicodedata

from commerce.errors import InvalidField


def text_of(typed: str, chars_max: int, member: str) -> str:
    """Return a text on one line, without what cannot be seen.

    Raises:
        InvalidField: Nothing is left of it, or more than `chars_max` characters.
    """
    text = " ".join(unicodedata.normalize("NFC", typed).split())
    text = "".join(char for char in text if char == "\u200d" or char.isprintable())
    if not text:
        raise InvalidField(member, "it is empty")
    if len(text) > chars_max:
        raise InvalidField(member, f"at most {chars_max} characters")
    return text


def key_of(text: str) -> str:
    """Return what texts that ask the same have in common: no case, width, spaces or punctuation."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(char for char in folded if char.isalnum()) or folded
