"""The kit's page as one HTML file that needs nothing beside it: no script, no font, no picture, no network."""

from __future__ import annotations

from django.template.loader import render_to_string

from backups.kit.page import Page


def index_html(page: Page) -> bytes:
    """backups.kit.page.page(...) in, the bytes of index.html out."""
    return render_to_string("backups/kit_bundle.html", {"page": page}).encode()
