"""QR codes as modules (for a PDF), SVG and PNG."""

import io

import segno

BORDER = 2  # modules of white around it, on paper that is white anyway


def qr_modules(text: str) -> tuple[tuple[bool, ...], ...]:
    """Return the rows of dark modules of a QR code, without a border."""
    rows = segno.make(text, error="m", micro=False).matrix
    return tuple(tuple(bool(module) for module in row) for row in rows)


def qr_svg(text: str, scale: int = 4) -> str:
    """Return a QR code as an SVG element."""
    out = io.BytesIO()
    qr = segno.make(text, error="m", micro=False)
    qr.save(out, kind="svg", scale=scale, border=BORDER, xmldecl=False)
    return out.getvalue().decode()


def qr_png(text: str, scale: int = 8) -> bytes:
    """Return a QR code as a PNG."""
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(out, kind="png", scale=scale, border=BORDER)
    return out.getvalue()
