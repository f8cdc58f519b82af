"""Charts as inline SVG, without scripts: sizes in user units, colours from the page's own variables."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from html import escape
from typing import Final

WIDTH: Final = 640
HEIGHT: Final = 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 12, 12, 30
Series = Mapping[str, Sequence[Decimal | None]]
"""Values by name; ``None`` where there is none."""
COLOURS: Final = 6
"""Series colours ``--s0`` … that the page defines; further series share the last."""


def number(value: float) -> str:
    """Return a coordinate, short."""
    return f"{value:.1f}".rstrip("0").rstrip(".")


def ceiling(largest: Decimal) -> Decimal:
    """Return a round number at or above *largest*: 1, 2 or 5 times a power of ten."""
    if largest <= 0:
        return Decimal(1)
    power = Decimal(10) ** largest.adjusted()
    return next(power * step for step in (1, 2, 5, 10) if power * step >= largest)


def bars(title: str, columns: Sequence[tuple[str, Mapping[str, Decimal]]], series: Sequence[str], unit: str) -> str:
    """Return stacked columns: *columns* are label and value by series."""
    top = ceiling(max((sum(values.values(), Decimal(0)) for _, values in columns), default=Decimal(0)))
    step = _inner_width() / max(1, len(columns))
    parts = []
    for index, (label, values) in enumerate(columns):
        at = Decimal(0)
        x = _LEFT + index * step + step * 0.12
        for rank, name in enumerate(series):
            value = values.get(name, Decimal(0))
            if value > 0:
                y, height = _y(at + value, top), _y(at, top) - _y(at + value, top)
                what = escape(f"{label}, {name}: {unit}{value}")
                parts.append(
                    f'<rect x="{number(x)}" y="{number(y)}" width="{number(step * 0.76)}" height="{number(height)}"'
                    f' class="f{_colour(rank)}"><title>{what}</title></rect>'
                )
                at += value
    return _frame(title, [*_grid(top, unit), *parts, *_labels([label for label, _ in columns], step, 0.5)])


def lines(
    title: str,
    labels: Sequence[str],
    series: Series,
    unit: str,
    top: Decimal | None = None,
) -> str:
    """Return lines over equal steps; ``None`` leaves a gap. *top* fixes the scale."""
    known = [value for values in series.values() for value in values if value is not None]
    top = top or ceiling(max(known, default=Decimal(0)))
    step = _inner_width() / max(1, len(labels) - 1)
    parts = []
    for rank, (name, values) in enumerate(series.items()):
        points = [(_LEFT + i * step, _y(value, top)) for i, value in enumerate(values) if value is not None]
        path = " ".join(f"{number(x)},{number(y)}" for x, y in points)
        parts.append(f'<polyline points="{path}" class="l{_colour(rank)}"><title>{escape(name)}</title></polyline>')
        parts += [f'<circle cx="{number(x)}" cy="{number(y)}" r="2" class="f{_colour(rank)}"/>' for x, y in points]
    return _frame(title, [*_grid(top, unit), *parts, *_labels(labels, step, 0)])


def legend(names: Sequence[str]) -> str:
    """Return the key to the colours."""
    items = (f'<li><span class="b{_colour(rank)}"></span>{escape(name)}</li>' for rank, name in enumerate(names))
    return f'<ul class="legend">{"".join(items)}</ul>'


def _colour(rank: int) -> int:
    return min(rank, COLOURS - 1)


def _inner_width() -> float:
    return WIDTH - _LEFT - _RIGHT


def _y(value: Decimal, top: Decimal) -> float:
    inner = HEIGHT - _TOP - _BOTTOM
    return _TOP + inner * (1 - float(min(value, top) / top))


def _grid(top: Decimal, unit: str) -> list[str]:
    parts = []
    for quarter in range(5):
        value = top * quarter / 4
        y = number(_y(value, top))
        parts.append(f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y}" y2="{y}" class="grid"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y}" class="scale">{escape(unit)}{value.normalize():f}</text>')
    return parts


def _labels(labels: Sequence[str], step: float, shift: float) -> list[str]:
    every = max(1, -(-len(labels) // 8))
    return [
        f'<text x="{number(_LEFT + (index + shift) * step)}" y="{HEIGHT - 10}" class="tick">{escape(label)}</text>'
        for index, label in enumerate(labels)
        if index % every == 0
    ]


def _frame(title: str, parts: Sequence[str]) -> str:
    head = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
    return f"{head}<title>{escape(title)}</title>{''.join(parts)}</svg>"
