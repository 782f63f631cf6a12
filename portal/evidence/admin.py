"""The evidence in Django's admin: to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from portal.evidence.models import Key, Record, Signature

if TYPE_CHECKING:
    AnyAdmin = admin.ModelAdmin[Any]
else:
    AnyAdmin = admin.ModelAdmin


class ReadOnly(AnyAdmin):
    """No change, by nobody; who gets here is decided at the site's door."""

    actions = None

    def has_module_permission(self, request: HttpRequest) -> bool:
        return True

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Record)
class RecordAdmin(ReadOnly):
    """Newest first."""

    list_display = ("number", "at", "kind", "actor", "subject")
    search_fields = ("=kind", "=actor", "=subject")
    ordering = ("-number",)
    show_full_result_count = False


@admin.register(Signature)
class SignatureAdmin(ReadOnly):
    """Newest first."""

    list_display = ("record", "subject", "at", "key")
    ordering = ("-pk",)
    list_select_related = ("record", "key")


@admin.register(Key)
class KeyAdmin(ReadOnly):
    """Every key that ever signed."""

    list_display = ("id", "since")
