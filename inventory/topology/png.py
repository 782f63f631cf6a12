"""The picture as a PNG file, drawn with Pillow from the same marks and colours. Letters are Pillow's own face, since a
server may have none; shapes are drawn anew, for Pillow reads no SVG."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from io import BytesIO
from itertools import pairwise
from math import hypot

from PIL import Image, ImageDraw, ImageFont

from inventory.topology.marks import Drawing, Mark
from inventory.topology.style import Style
from inventory.topology.svg import FOOT, MARGIN

SCALE = 2  # px of the file to a px of the picture
LARGEST = 60_000_000  # px of a file; beyond that it is drawn at half the scale
Points = list[tuple[float, float]]


def png(drawing: Drawing, style: Style, words: Iterable[str]) -> bytes:
    """words: lines that stand below the picture."""
    width, height = drawing.width + 2 * MARGIN, drawing.height + 2 * MARGIN + FOOT
    scale = SCALE if width * height * SCALE * SCALE <= LARGEST else 1
    image = Image.new("RGB", (width * scale, height * scale), style.token("--paper"))
    pen = _Pen(ImageDraw.Draw(image), style, scale)
    for group in drawing.groups:
        for mark in group.marks:
            pen.mark(mark)
    for number, line in enumerate(words):
        pen.mark(Mark("words", "small", 1, drawing.height + 28 + number * 17, text=line))
    out = BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


@cache
def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


class _Pen:
    """Draws marks in their colours."""

    def __init__(self, draw: ImageDraw.ImageDraw, style: Style, scale: int) -> None:
        self.draw, self.style, self.scale = draw, style, scale

    def mark(self, mark: Mark) -> None:
        """One mark of any kind."""
        if mark.kind == "sign":
            self._sign(mark)
            return
        values = self.style.of(mark.kind, mark.classes)
        stroke, width = values.get("stroke", "none"), float(values.get("stroke-width", "1"))
        dashes = [float(one) for one in values.get("stroke-dasharray", "none").replace("none", "").split()]
        fill = values.get("fill", "none")
        if mark.kind == "words":
            self._words(mark, fill, float(values.get("font-size", "13px").removesuffix("px")), values)
        elif mark.kind == "rect":
            self._rect(mark, fill, stroke, width, dashes)
        elif fill != "none":
            self.draw.polygon(self._at(mark.points), fill=fill)
        else:
            pairs = 2 if "cross" in mark.classes else len(mark.points)
            for begin in range(0, len(mark.points), pairs):
                self._line(list(mark.points[begin : begin + pairs]), stroke, width, dashes)

    def _at(self, points: Iterable[tuple[float, float]]) -> Points:
        return [((x + MARGIN) * self.scale, (y + MARGIN) * self.scale) for x, y in points]

    def _rect(self, mark: Mark, fill: str, stroke: str, width: float, dashes: list[float]) -> None:
        (left, top), (right, bottom) = self._at([(mark.x, mark.y), (mark.x + mark.w, mark.y + mark.h)])
        outline = None if stroke == "none" or dashes else stroke
        self.draw.rounded_rectangle(
            (left, top, right, bottom),
            mark.r * self.scale,
            fill=None if fill == "none" else fill,
            outline=outline,
            width=max(1, round(width * self.scale)),
        )
        if stroke != "none" and dashes:
            x, y = mark.x + mark.w, mark.y + mark.h
            around = [(mark.x, mark.y), (x, mark.y), (x, y), (mark.x, y), (mark.x, mark.y)]
            self._line(around, stroke, width, dashes)

    def _line(self, points: Points, stroke: str, width: float, dashes: list[float]) -> None:
        wide = max(1, round(width * self.scale))
        if not dashes:
            self.draw.line(self._at(points), fill=stroke, width=wide, joint="curve")
            return
        for begin, end in pairwise(points):
            length, done = hypot(end[0] - begin[0], end[1] - begin[1]), 0.0
            while done < length:
                ends = [done / length, min(1.0, (done + dashes[0]) / length)]
                dash = [(begin[0] + (end[0] - begin[0]) * t, begin[1] + (end[1] - begin[1]) * t) for t in ends]
                self.draw.line(self._at(dash), fill=stroke, width=wide)
                done += dashes[0] + dashes[-1]

    def _words(self, mark: Mark, fill: str, size: float, values: object) -> None:
        classes = mark.classes.split()
        font = _font(size * 0.95 * self.scale)
        anchor = "ms" if "middle" in classes else "rs" if "end" in classes else "ls"
        place = self._at([(mark.x, mark.y)])[0]
        bold = "font-weight" in values if isinstance(values, dict) else False
        self.draw.text(
            place,
            mark.text.replace("×", "x"),
            fill=fill,
            font=font,
            anchor=anchor,
            stroke_width=0.35 * self.scale if bold else 0,
        )
        if "struck" in classes:
            left, _, right, _ = self.draw.textbbox(place, mark.text, font=font, anchor=anchor)
            y = place[1] - size * 0.32 * self.scale
            self.draw.line([(left, y), (right, y)], fill=fill, width=self.scale)

    def _sign(self, mark: Mark) -> None:
        """Disc with tick, triangle, square with cross, dashed ring: in a square of 16."""
        ink, paper = self.style.token(f"--{mark.classes}-fill"), self.style.token("--sheet")
        k = mark.w / 16

        def at(*points: tuple[float, float]) -> Points:
            return self._at((mark.x + x * k, mark.y + y * k) for x, y in points)

        wide = max(1, round(1.9 * k * self.scale))
        if mark.classes == "ok":
            self.draw.ellipse([*at((0.5, 0.5))[0], *at((15.5, 15.5))[0]], fill=ink)
            self.draw.line(at((4.3, 8.3), (6.9, 10.9), (11.7, 5.6)), fill=paper, width=wide, joint="curve")
        elif mark.classes == "warn":
            self.draw.polygon(at((8, 0.8), (15.8, 15), (0.2, 15)), fill=ink)
            self.draw.line(at((8, 5.2), (8, 10.1)), fill=paper, width=wide)
            self.draw.line(at((8, 11.3), (8, 13.3)), fill=paper, width=wide)
        elif mark.classes == "fail":
            self.draw.rounded_rectangle([*at((1, 1))[0], *at((15, 15))[0]], 1.5 * k * self.scale, fill=ink)
            self.draw.line(at((5, 5), (11, 11)), fill=paper, width=wide)
            self.draw.line(at((11, 5), (5, 11)), fill=paper, width=wide)
        else:
            ring = [*at((1.2, 1.2))[0], *at((14.8, 14.8))[0]]
            for begin in range(0, 360, 45):
                self.draw.arc(ring, begin, begin + 27, fill=ink, width=max(1, round(1.5 * k * self.scale)))
            self.draw.text(at((8, 8))[0], "?", fill=ink, font=_font(10 * k * self.scale), anchor="mm")
