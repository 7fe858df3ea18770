"""Text as it travels."""

import msgspec


class LocalText(msgspec.Struct, frozen=True):
    """Text in both languages."""

    zh: str
    en: str
