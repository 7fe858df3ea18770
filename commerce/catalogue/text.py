"""Words in the two languages of a shop."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """The same words in both languages."""

    zh: str
    en: str
