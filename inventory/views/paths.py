"""Where a page stands: the path above its headline."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse


@dataclass(frozen=True)
class Step:
    """One step of the path; the last one, the page itself, has no url."""

    title: str
    url: str = ""


def path(*steps: tuple[str, str] | str) -> list[Step]:
    """("Hosts", "hosts") is a title and a URL name; a bare title is the page itself."""
    return [Step(step) if isinstance(step, str) else Step(step[0], reverse(step[1])) for step in steps]
