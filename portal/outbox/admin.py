"""Role addresses in Django's admin; mail is read there and moved by the outbox alone."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.widgets import AdminRadioSelect
from django.http import HttpRequest

from portal.access.guarded import Guarded
from portal.access.roles import ROLES
from portal.evidence import services as evidence
from portal.outbox.models import Mail, RoleAddress


@admin.register(RoleAddress)
class RoleAddressAdmin(Guarded):
    """Where mail for a role goes."""

    view = change = "access.manage"
    adds = True
    list_display = ("role", "address")

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A role is one that there is."""
        if db_field.name == "role":
            kwargs["widget"] = AdminRadioSelect(choices=[(name, one.title) for name, one in ROLES.items()])
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: RoleAddress, form: Any, change: bool) -> None:
        """With its record."""
        super().save_model(request, obj, form, change)
        body = {"role": obj.role, "address": obj.address}
        evidence.append("mail.role_address", request.user.get_username(), f"role:{obj.role}", body)


@admin.register(Mail)
class MailAdmin(Guarded):
    """What was sent."""

    view = "evidence.view"
    list_display = ("queued_at", "state", "person", "subject", "attempts", "error")
    list_filter = ("state", "kind")
