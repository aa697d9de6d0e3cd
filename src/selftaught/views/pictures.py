"""Figures as SVG: means with their 95 % intervals, one row each, on one common axis. Read anywhere, needs nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from xml.sax.saxutils import escape

from selftaught.views.sheets import Bar, Series, interval, number
from selftaught.views.terminal import clean

_LEFT, _PLOT, _RIGHT, _TOP, _ROW, _BOTTOM = 190, 420, 120, 46, 24, 34
_INK, _PALE, _MARK = "#222", "#ddd", "#2563a8"


def intervals(series: Series) -> str:
    """A picture of figures with their intervals; a figure without an interval is a hollow mark."""
    rows = series.bars
    low, high, step = _span(rows)
    height = _TOP + _ROW * len(rows) + _BOTTOM
    width = _LEFT + _PLOT + _RIGHT

    def x(value: float) -> float:
        return _LEFT + _PLOT * (value - low) / (high - low)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        _text(_LEFT, 20, series.title, "start", "font-weight='bold'"),
        *(_tick(x(low + i * step), low + i * step, height) for i in range(round((high - low) / step) + 1)),
        _text(_LEFT + _PLOT / 2, height - 4, series.axis, "middle"),
        *(part for i, row in enumerate(rows) for part in _row(row, _TOP + _ROW * (i + 0.5), x)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _row(row: Bar, y: float, x: Callable[[float], float]) -> list[str]:
    mean, low, high = row.figure
    parts = [_text(_LEFT - 8, y + 4, row.name, "end")]
    if low is not None and high is not None:
        parts.append(
            f'<line x1="{x(low):.1f}" x2="{x(high):.1f}" y1="{y}" y2="{y}" stroke="{_MARK}" stroke-width="2"/>'
        )
    fill = "white" if low is None else _MARK
    parts.append(f'<circle cx="{x(mean):.1f}" cy="{y}" r="4" fill="{fill}" stroke="{_MARK}"/>')
    said = number(mean) if low is None else interval(row.figure)
    return [*parts, _text(_LEFT + _PLOT + 8, y + 4, said, "start", "font-size='10'")]


def _tick(x: float, value: float, height: int) -> str:
    line = f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{height - _BOTTOM}" stroke="{_PALE}"/>'
    return line + _text(x, height - _BOTTOM + 14, f"{value:g}", "middle", "font-size='10'")


def _text(x: float, y: float, said: str, anchor: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{_INK}" {more}>{escape(clean(said))}</text>'


def _span(rows: Sequence[Bar]) -> tuple[float, float, float]:
    """The axis: whole steps of 1, 2 or 5 times a power of ten around all figures and 0, and the step."""
    shown = [0.0, *(end for row in rows for end in row.figure if end is not None)]
    width = (max(shown) - min(shown)) or 1.0
    power = 10.0 ** math.floor(math.log10(width / 5))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= width / 6)
    low, high = math.floor(min(shown) / step) * step, math.ceil(max(shown) / step) * step
    return (low, high, step) if high > low else (low, low + step, step)
