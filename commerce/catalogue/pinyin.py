"""How a Chinese name is typed on a Latin keyboard: 菠菜 is "bo cai", "bocai" or "bc"."""

PINYIN_CHARS_MAX = 400


def pinyin_of(name: str) -> str:
    """Return what a search for the name may be typed as, in lower case, separated by spaces."""
    # It loads its dictionaries when it is imported, which only those who edit goods need.
    from pypinyin import Style, lazy_pinyin

    syllables = [part.strip().lower() for part in lazy_pinyin(name)]
    initials = lazy_pinyin(name, style=Style.FIRST_LETTER)
    spaced = " ".join(part for part in syllables if part)
    forms = (spaced, spaced.replace(" ", ""), "".join(initials).replace(" ", "").lower())
    return " ".join(dict.fromkeys(forms))[:PINYIN_CHARS_MAX]


def syllables_of(word: str) -> tuple[str, ...]:
    """Return what each character of `word` is typed as: its pinyin, or itself."""
    from pypinyin import lazy_pinyin

    said = iter(lazy_pinyin(word, errors="ignore"))
    return tuple(next(said, char) if lazy_pinyin(char, errors="ignore") else char for char in word)
