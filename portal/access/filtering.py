"""Filters of API lists: query parameters that compare one column for equality."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.core.exceptions import ValidationError as FieldError
from django.db.models import QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.filters import BaseFilterBackend
from rest_framework.request import Request
from rest_framework.views import APIView


def _among_choices(queryset: QuerySet[Any], column: str, value: str) -> None:
    """Raises ValueError for a word that the column never holds: an empty list would read as "there is none"."""
    with suppress(FieldDoesNotExist):  # an annotation, or a column of another table
        words = {str(word) for word, _ in getattr(queryset.model._meta.get_field(column), "flatchoices", ())}
        if words and value not in words:
            raise ValueError(value)


def filtered(*columns: str) -> type[BaseFilterBackend]:
    """A filter backend for these columns; a value that the column cannot hold is a 400 that names it."""

    class Filtered(BaseFilterBackend):
        """`?column=value` for each of the columns."""

        def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: APIView) -> QuerySet[Any]:
            for column in columns:
                value = request.query_params.get(column)
                if value is None:
                    continue
                try:
                    _among_choices(queryset, column, value)
                    queryset = queryset.filter(**{column: value})
                except (ValueError, TypeError, FieldError):
                    raise ValidationError({column: [f"{value!r} is not a value of {column}."]}) from None
            return queryset

        def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
            """For the OpenAPI schema."""
            return [
                {"name": column, "in": "query", "required": False, "schema": {"type": "string"}} for column in columns
            ]

    return Filtered
