"""The backups in Django's admin, to read: what people decide is decided on the pages, where it is recorded whole."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin

from backups import models
from portal.access.guarded import Guarded


@admin.register(models.Policy)
class PolicyAdmin(Guarded):
    """Policies, without the heartbeat's URL."""

    list_display = ("name", "engine", "enabled", "cron", "zone", "retention")
    exclude: ClassVar = ["heartbeat_url"]


@admin.register(models.Destination)
class DestinationAdmin(Guarded):
    """Places, without their secrets."""

    list_display = ("name", "site", "kind", "enabled")
    exclude: ClassVar = ["secret"]


@admin.register(models.Recipient)
class RecipientAdmin(Guarded):
    """Who can decrypt, without any private half."""

    list_display = ("name", "public_key", "custody", "retired_at")
    exclude: ClassVar = ["private_key"]


@admin.register(models.Backup)
class BackupAdmin(Guarded):
    """The catalog."""

    list_display = ("ident", "engine", "policy", "status", "proven_to", "proof", "taken", "keep", "deleted_at")
    list_filter = ("status", "proof", "reason")
    search_fields = ("ident", "change")


@admin.register(models.Copy)
class CopyAdmin(Guarded):
    """Copies."""

    list_display = ("backup", "destination", "state", "size", "held_at", "checked_at", "locked_until")
    list_filter = ("state", "destination")


@admin.register(models.Rehearsal)
class RehearsalAdmin(Guarded):
    """Rehearsals."""

    list_display = ("backup", "at", "outcome", "seconds", "server")
    list_filter = ("outcome",)


@admin.register(models.Missed)
class MissedAdmin(Guarded):
    """Planned starts for which no backup came."""

    list_display = ("policy", "due_at", "noticed_at", "sentence")
