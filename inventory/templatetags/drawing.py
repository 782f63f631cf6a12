"""Marks of a drawing as SVG elements. Classes carry the colour; geometry stands in attributes, which the CSP allows."""

from __future__ import annotations

from django import template
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from inventory.topology.marks import Group, Mark

register = template.Library()


@register.simple_tag
def thing(group: Group) -> SafeString:
    """One thing of a picture, a link when it leads somewhere; its words are its title."""
    sprite = static("holdfast/shapes.svg")
    inner = format_html(
        "<title>{}</title>{}", group.title, format_html_join("", "{}", ((_mark(one, sprite),) for one in group.marks))
    )
    if not group.url:
        return format_html("<g>{}</g>", inner)
    return format_html('<a href="{}" class="{}">{}</a>', group.url, group.hint or "page", inner)


def _mark(mark: Mark, sprite: str) -> SafeString:
    x, y = f"{mark.x:g}", f"{mark.y:g}"
    if mark.kind == "rect":
        shape = '<rect class="{}" x="{}" y="{}" width="{}" height="{}" rx="{}" />'
        return format_html(shape, mark.classes, x, y, f"{mark.w:g}", f"{mark.h:g}", f"{mark.r:g}")
    if mark.kind == "line":
        return format_html('<path class="{}" d="{}" />', mark.classes, mark.d)
    if mark.kind == "words":
        return format_html('<text class="{}" x="{}" y="{}">{}</text>', mark.classes, x, y, mark.text)
    sign = '<svg class="{} sign" x="{}" y="{}" width="{}" height="{}"><use href="{}#{}"></use></svg>'
    return format_html(sign, mark.classes, x, y, f"{mark.w:g}", f"{mark.w:g}", sprite, mark.classes)
