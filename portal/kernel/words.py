"""Amounts as every page and sentence of the portal says them."""

from __future__ import annotations


def span(seconds: float) -> str:
    """A duration: 40 s, 12 min, 4 h 14 min, 3 days. Never negative."""
    whole = int(max(seconds, 0))
    minutes, hours, days = whole // 60, whole // 3600, whole // 86_400
    if whole < 60:
        return f"{whole} s"
    if minutes < 60:
        return f"{minutes} min"
    if hours < 48:
        return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"
    return f"{days} days"
