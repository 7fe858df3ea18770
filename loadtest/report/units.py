"""Figures with their units, as reports write them."""


def bit_rate(bits_per_s: float) -> str:
    """Return a rate of bits.

    >>> [bit_rate(value) for value in (0, 640, 48_000, 1_536_000, 2_500_000_000)]
    ['0 bit/s', '640 bit/s', '48 kbit/s', '1.54 Mbit/s', '2.5 Gbit/s']
    """
    value, unit = scaled(bits_per_s)
    return f"{value:.3g} {unit}bit/s"


def scaled(value: float) -> tuple[float, str]:
    """Return a figure below 1,000 with the prefix that it then has."""
    for prefix in ("", "k", "M"):
        if abs(value) < 999.5:
            return value, prefix
        value /= 1_000
    return value, "G"
