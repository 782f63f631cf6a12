"""Filters of API lists: query parameters that compare one column for equality."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError as FieldError
from django.db.models import QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.filters import BaseFilterBackend
from rest_framework.request import Request
from rest_framework.views import APIView


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
