"""Cursor pages for the API: stable while rows come and go, constant cost at any depth."""

from __future__ import annotations

from rest_framework.pagination import CursorPagination


class ByKey(CursorPagination):
    """Oldest first by primary key."""

    page_size = 100
    page_size_query_param = "limit"
    max_page_size = 1000
    ordering: str | tuple[str, ...] = "pk"


class Newest(ByKey):
    """Newest first by `at`."""

    ordering = ("-at", "-pk")
