"""Bars as inline SVG that stretch with their column; words stay outside, so that they never shrink with it."""

from collections.abc import Sequence
from html import escape

from tta_orchestrate.domain.sanitiser import plain, utf8

WIDTH = 1000
HEIGHT = 16


def bar(parts: Sequence[tuple[str, int]], whole: int, label: str) -> str:
    """Return one bar: *parts* are (CSS class, amount) from left to right, on a scale that ends at *whole*.

    *label* is read by screen readers and shown on hover.
    """
    at, shapes = 0.0, []
    for name, amount in parts:
        width = WIDTH * amount / whole if whole > 0 else 0.0
        if width > 0:
            shapes.append(f'<rect class="{escape(name)}" x="{at:.2f}" width="{max(width, 2):.2f}" height="{HEIGHT}"/>')
        at += width
    title = escape(utf8(plain(label, 400)))
    return (
        f'<svg class="bar" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" aria-label="{title}">'
        f'<title>{title}</title><rect class="track" width="{WIDTH}" height="{HEIGHT}"/>{"".join(shapes)}</svg>'
    )
