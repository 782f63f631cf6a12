"""Failover in Django's admin, to read: what people decide is decided on the pages, where it is recorded whole."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin

from failover import models
from portal.access.guarded import Guarded


@admin.register(models.Drill)
class DrillAdmin(Guarded):
    """Drills."""

    list_display = ("title", "engine", "plan", "requested_by", "window_begins", "window_ends", "closed_at")
    list_filter = ("plan",)


@admin.register(models.Approval)
class ApprovalAdmin(Guarded):
    """Who agreed to what."""

    list_display = ("drill", "by", "requested_by", "at", "refused", "voided_at")


@admin.register(models.BreakGlass)
class BreakGlassAdmin(Guarded):
    """Which gates were lifted by whom."""

    list_display = ("drill", "asked_by", "confirmed_by", "confirmed_at", "until")


@admin.register(models.Schedule)
class ScheduleAdmin(Guarded):
    """Planned drills."""

    list_display = ("plan", "engine", "cron", "zone", "overdue_days", "decided_by", "enabled")


@admin.register(models.ComposedPlan)
class ComposedPlanAdmin(Guarded):
    """Drill plans of this estate's own."""

    list_display = ("name", "made_by", "made_at", "retired_by", "retired_at")


@admin.register(models.PlanVersion)
class PlanVersionAdmin(Guarded):
    """What they were from one edit to the next."""

    list_display = ("plan", "number", "title", "by", "at", "sha256")


@admin.register(models.Attachment)
class AttachmentAdmin(Guarded):
    """Files that people attached to their answers; they are taken from the drill's page."""

    list_display = ("name", "kind", "size", "by", "at", "sha256")


@admin.register(models.Missed)
class MissedAdmin(Guarded):
    """Planned drills that did not happen."""

    list_display = ("schedule", "due_at", "noticed_at", "sentence")


@admin.register(models.Blackout)
class BlackoutAdmin(Guarded):
    """Times in which no drill acts."""

    list_display = ("title", "engine", "begins", "ends")


@admin.register(models.Service)
class ServiceAdmin(Guarded):
    """What the prober asks: declared here by whoever manages the estate."""

    change: ClassVar[str] = "estate.manage"
    adds: ClassVar[bool] = True
    deletes: ClassVar[bool] = True

    list_display = ("name", "engine", "kind", "address", "every", "objective")
