"""Alerts in Django's admin: to read only; receivers and routes have pages of their own."""

from __future__ import annotations

from django.contrib import admin

from portal.access.guarded import Guarded
from portal.alerts.models import Alert


@admin.register(Alert)
class AlertAdmin(Guarded):
    """What is and was wrong."""

    list_display = ("opened_at", "severity", "subject", "sentence", "acknowledged_by", "resolved_at")
    list_filter = ("severity", "concern")
