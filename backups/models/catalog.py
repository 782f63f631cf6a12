"""The catalog: one row per backup in Barman's words, its copies, its rehearsals, and the runs that never came."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from backups.models.policy import Destination, Policy
from inventory.models import Engine
from portal.runs.models import Run


class Backup(models.Model):
    """One archive of one engine. `sha256` and `size` are of the plain archive as engine-backup wrote it."""

    class Status(models.TextChoices):
        STARTED = "STARTED"
        DONE = "DONE"
        FAILED = "FAILED"

    class Reason(models.TextChoices):
        SCHEDULED = "scheduled", "Scheduled"
        RETRY = "retry", "Retry"
        PERSON = "person", "By a person"
        CHANGE = "change", "Before a change"

    class Proof(models.TextChoices):
        """The last word on whether the data comes back."""

        NONE = "none", "not rehearsed"
        PROVEN = "proven", "proven restorable"
        FAILED = "failed", "rehearsal failed"
        UNKNOWN = "unknown", "rehearsal undecided"

    engine = models.ForeignKey(Engine, on_delete=models.PROTECT, related_name="backups")
    policy = models.ForeignKey(Policy, null=True, blank=True, on_delete=models.SET_NULL, related_name="backups")
    run = models.OneToOneField(Run, null=True, blank=True, on_delete=models.SET_NULL, related_name="backup")
    ident = models.CharField(max_length=24)  # YYYYmmddThhmmss, UTC, and "-2" when a second has two
    reason = models.CharField(max_length=12, choices=Reason.choices)
    asked_by = models.CharField(max_length=150, blank=True)
    change = models.CharField(max_length=80, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)  # the planned start that it runs for
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.STARTED)
    cause = models.CharField(max_length=40, blank=True)  # kind of backups.catalog.causes
    sentence = models.TextField(blank=True)
    what_to_do = models.TextField(blank=True)
    began = models.DateTimeField(null=True, blank=True)  # as engine-backup was started, on the portal's clock
    ended = models.DateTimeField(null=True, blank=True)
    taken = models.DateTimeField(db_index=True)  # the moment whose state it holds, for ages and retention
    size = models.BigIntegerField(null=True, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    size_accepted = models.CharField(max_length=150, blank=True)  # who accepted that it is unlike those before
    engine_path = models.CharField(max_length=500, blank=True)  # on the engine VM
    on_engine = models.BooleanField(default=False)
    looked_back = models.BooleanField(default=False)  # on_engine was looked at after the archive was taken
    version = models.CharField(max_length=64, blank=True)  # of the tools package that wrote it
    fqdn = models.CharField(max_length=255, blank=True)  # the engine's own name; "" when it did not say
    parts = models.JSONField(null=True, blank=True)  # names of backups.catalog.parts.Part; null: not known
    output = models.JSONField(
        default=dict, blank=True
    )  # stdout, stderr, log, exit_code of the run and of --mode=verify
    # {"before" | "after": {"at", "counts" or "why"}}: what the engine's API listed around the backup
    objects_then = models.JSONField(default=dict, blank=True)
    # backups.kit.delta.Inventory as the portal's tables had it just before; null: not known
    things = models.JSONField(null=True, blank=True)
    # [{"name", "outcome", "sentence", "evidence", "took"}], the ladder as last climbed
    ladder = models.JSONField(default=list, blank=True)
    proven_to = models.CharField(max_length=20, blank=True)  # name of the last proven rung
    whole = models.BooleanField(null=True, blank=True)  # no rung failed or is unknown; null: not climbed
    climbed_at = models.DateTimeField(null=True, blank=True)
    climbed_run = models.CharField(max_length=36, blank=True)  # ref of the run that climbed it last
    proof = models.CharField(max_length=8, choices=Proof.choices, default=Proof.NONE)
    proven_at = models.DateTimeField(null=True, blank=True)
    keep = models.CharField(max_length=200, blank=True)  # why it is held; "": it is not
    keep_by = models.CharField(max_length=150, blank=True)
    keep_at = models.DateTimeField(null=True, blank=True)
    retiring_at = models.DateTimeField(null=True, blank=True)  # its deletion has begun, and it can no longer be held
    deleted_at = models.DateTimeField(null=True, blank=True)  # its copies are gone by a deletion; the entry stays

    class Meta:
        ordering: ClassVar = ["-taken", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["engine", "ident"], name="backups_ident"),
            models.UniqueConstraint(
                fields=["policy", "due_at"],
                condition=Q(due_at__isnull=False, reason="scheduled"),
                name="backups_once_per_start",
            ),
        ]

    def __str__(self) -> str:
        return self.ident


class Copy(models.Model):
    """One encrypted copy at one destination. `sha256` and `size` are of the encrypted file."""

    class State(models.TextChoices):
        COPYING = "copying"
        HELD = "held"  # re-hashed there
        FAILED = "failed"
        LOST = "lost"  # it was held, and a later look did not find it or found other bytes
        DELETED = "deleted"

    backup = models.ForeignKey(Backup, on_delete=models.CASCADE, related_name="copies")
    destination = models.ForeignKey(Destination, on_delete=models.PROTECT, related_name="copies")
    state = models.CharField(max_length=8, choices=State.choices, default=State.COPYING)
    sentence = models.TextField(blank=True)
    name = models.CharField(max_length=200)  # of the file there
    size = models.BigIntegerField(null=True, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    sent = models.BigIntegerField(default=0)  # bytes, for the progress bar
    recipients = models.JSONField(default=list, blank=True)  # names of who can open it
    held_at = models.DateTimeField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)  # when its bytes were last hashed at the far end
    locked_until = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)
    retry_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["backup", "destination"], name="backups_copy_once"),
        ]

    def __str__(self) -> str:
        return f"{self.backup} at {self.destination}"


class Rehearsal(models.Model):
    """One restore into scratch and what came of it."""

    backup = models.ForeignKey(Backup, on_delete=models.CASCADE, related_name="rehearsals")
    run = models.ForeignKey(Run, null=True, blank=True, on_delete=models.SET_NULL, related_name="rehearsals")
    at = models.DateTimeField()
    seconds = models.FloatField()
    outcome = models.CharField(max_length=8, choices=Backup.Proof.choices)
    sentence = models.TextField()
    server = models.CharField(max_length=40, blank=True)  # version of the scratch server
    schema = models.CharField(max_length=40, blank=True)  # of the engine database
    rungs = models.JSONField(default=list)  # as Backup.ladder
    tables = models.JSONField(default=dict)  # part -> {"schema.table": rows}
    notes = models.JSONField(default=list)  # sentences about how it ran

    class Meta:
        ordering: ClassVar = ["-at"]

    def __str__(self) -> str:
        return f"{self.backup}, {self.at:%Y-%m-%d %H:%M}"


class Missed(models.Model):
    """A planned start for which no backup came."""

    policy = models.ForeignKey(Policy, on_delete=models.CASCADE, related_name="missed")
    due_at = models.DateTimeField()
    noticed_at = models.DateTimeField()
    sentence = models.TextField()

    class Meta:
        ordering: ClassVar = ["-due_at"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["policy", "due_at"], name="backups_missed_once")]

    def __str__(self) -> str:
        return f"{self.policy}, {self.due_at:%Y-%m-%d %H:%M}"
