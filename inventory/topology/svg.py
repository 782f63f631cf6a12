"""The picture as an SVG file that stands alone: every mark carries its colour, so any program draws it as it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import escape

from inventory.topology.marks import Drawing, Group, Mark
from inventory.topology.style import ANCHORS, FIXED, FONT, Style

SYMBOL = re.compile(r'<symbol id="(ok|warn|fail|unknown)".*?</symbol>', re.DOTALL)
MARGIN, FOOT = 24, 46  # px around the picture, and below it for what it shows and of when
PASSED = ("fill", "stroke", "stroke-width", "stroke-dasharray", "font-size", "font-weight", "text-decoration")


def svg(drawing: Drawing, style: Style, shapes: str, words: Iterable[str]) -> str:
    """shapes: the sprite's text. words: lines that stand below the picture."""
    width, height = drawing.width + 2 * MARGIN, drawing.height + 2 * MARGIN + FOOT
    symbols = "".join(hit[0] for hit in SYMBOL.finditer(shapes))
    paper = style.token("--paper")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="{-MARGIN} {-MARGIN} {width} {height}" font-family="{FONT}">',
        f"<defs>{symbols}</defs>",
        f'<rect x="{-MARGIN}" y="{-MARGIN}" width="{width}" height="{height}" fill="{paper}"/>',
    ]
    for group in drawing.groups:
        parts.append(f"<g><title>{escape(group.title)}</title>{''.join(_marks(group, style))}</g>")
    for number, line in enumerate(words):
        y = drawing.height + 28 + number * 17
        ink = style.token("--ink-2")
        parts.append(f'<text x="1" y="{y}" font-size="12" fill="{ink}">{escape(line)}</text>')
    return "\n".join([*parts, "</svg>\n"])


def _marks(group: Group, style: Style) -> Iterator[str]:
    for mark in group.marks:
        yield _mark(mark, style)


def _mark(mark: Mark, style: Style) -> str:
    if mark.kind == "sign":
        ink = style.token(f"--{mark.classes}-fill")
        size = f'x="{mark.x:g}" y="{mark.y:g}" width="{mark.w:g}" height="{mark.w:g}"'
        return f'<use href="#{mark.classes}" {size} color="{ink}"/>'
    values = style.of(mark.kind, mark.classes)
    given = " ".join(f'{name}="{escape(values[name])}"' for name in PASSED if name in values)
    if mark.kind == "rect":
        return f'<rect x="{mark.x:g}" y="{mark.y:g}" width="{mark.w:g}" height="{mark.h:g}" rx="{mark.r:g}" {given}/>'
    if mark.kind == "line":
        return f'<path d="{mark.d}" {given}/>'
    anchor = next((ANCHORS[one] for one in mark.classes.split() if one in ANCHORS), "start")
    face = f' font-family="{FIXED}"' if "font-family" in values else ""
    return f'<text x="{mark.x:g}" y="{mark.y:g}" text-anchor="{anchor}"{face} {given}>{escape(mark.text)}</text>'
