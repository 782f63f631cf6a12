"""Django's admin tables behind the portal's acts; every change goes on record, by the names of the fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.admin import ModelAdmin
from django.contrib.admin.models import LogEntry
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from portal.access.services import may
from portal.evidence import services as evidence

if TYPE_CHECKING:
    AnyAdmin = ModelAdmin[Any]
else:
    AnyAdmin = ModelAdmin


class Guarded(AnyAdmin):
    """view and change name the acts; change "": read only. Rows are added or deleted only where that is said."""

    view: ClassVar[str] = "estate.view"
    change: ClassVar[str] = ""
    adds: ClassVar[bool] = False
    deletes: ClassVar[bool] = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may(request.user, self.view)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return may(request.user, self.view)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(self.change) and may(request.user, self.change)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.adds and self.has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.deletes and self.has_change_permission(request)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """None: one row at a time, since a bulk deletion goes past the record."""
        return {}

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> LogEntry:
        """Also on record."""
        self.record(request, "added", obj, message)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> LogEntry:
        """Also on record."""
        self.record(request, "changed", obj, message)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """Also on record."""
        for obj in queryset:
            self.record(request, "deleted", obj, [])
        return super().log_deletions(request, queryset)

    def record(self, request: HttpRequest, what: str, obj: Model, message: Any) -> None:
        """Django's change message holds names of fields, never values."""
        name = obj._meta.model_name
        evidence.append(f"{name}.{what}", request.user.get_username(), f"{name}:{obj}"[:200], {"changes": message})
