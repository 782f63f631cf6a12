"""The write path's rows. The database is the truth of every Run: workers and Redis may die at any moment."""

from __future__ import annotations

import shlex
import uuid
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from portal.changes.models import Change


class Run(models.Model):
    """One execution of a plan on one target. Rows move only through portal.runs.states."""

    class Status(models.TextChoices):
        DRAFT = "draft"
        AWAITING_APPROVAL = "awaiting_approval"
        QUEUED = "queued"
        RUNNING = "running"
        WAITING = "waiting"  # between two polls (due_at), or held by a person (held_by)
        SUCCEEDED = "succeeded"
        FAILED = "failed"  # a step said why; what was changed could not, or need not, be undone
        ERRORED = "errored"  # Holdfast itself broke
        ABORTED = "aborted"  # a person ended it; the undos have run
        ROLLED_BACK = "rolled_back"  # a step failed and everything that was changed has been undone
        NEEDS_ATTENTION = "needs_attention"  # an undo failed: the target is left changed

    ACTIVE: ClassVar = (Status.QUEUED, Status.RUNNING, Status.WAITING)

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)  # public id; names the folder on hosts
    plan = models.CharField(max_length=60)
    plan_version = models.PositiveIntegerField()
    title = models.CharField(max_length=120)
    parameters = models.JSONField(default=dict)  # frozen at start; never a secret
    digest = models.CharField(max_length=64)  # SHA-256 of plan, version, steps, parameters and target
    target = models.CharField(max_length=80)  # "host:<pk>", "engine:<pk>" or another kind of HOLDFAST_SHELLS
    target_name = models.CharField(max_length=255)  # for people, as it was at start
    requested_by = models.CharField(max_length=150)
    change = models.CharField(max_length=80, blank=True)  # change reference, "" when none was given
    # the change of a change system that it belongs to; null: none, or a reference that nobody checks
    bound = models.ForeignKey(Change, null=True, blank=True, on_delete=models.PROTECT, related_name="runs")
    change_asked = models.JSONField(default=dict)  # portal.changes.asked, frozen; {} without a bound change
    request_id = models.CharField(max_length=64, blank=True)  # of the request that asked for it; "" when none did
    idempotency_key = models.CharField(max_length=200, blank=True)
    body_hash = models.CharField(max_length=64, blank=True)
    approved_by = models.CharField(max_length=150, blank=True)
    approved_at = models.DateTimeField(null=True, blank=True)

    status = models.CharField(max_length=20, choices=Status.choices, default=Status.DRAFT)
    # where the Run is heading while its undos run: "" (forward), failed, errored or aborted
    ending = models.CharField(max_length=10, blank=True)
    sentence = models.TextField(blank=True)
    held_by = models.CharField(max_length=150, blank=True)
    abort_by = models.CharField(max_length=150, blank=True)
    abort_reason = models.TextField(blank=True)

    lease_owner = models.CharField(max_length=120, blank=True)
    fence = models.BigIntegerField(default=0)  # +1 at every claim; a worker with an older one may not write
    lease_expires = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)  # when a waiting Run wants a worker again
    woken_at = models.DateTimeField(null=True, blank=True)  # when a message was last sent for it

    created = models.DateTimeField(db_default=Now())
    queued_at = models.DateTimeField(null=True, blank=True)
    started = models.DateTimeField(null=True, blank=True)
    ended = models.DateTimeField(null=True, blank=True)
    line_count = models.PositiveIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["target"],
                condition=Q(status__in=["queued", "running", "waiting"]),
                name="runs_one_active_per_target",
            ),
            models.UniqueConstraint(
                fields=["requested_by", "idempotency_key"],
                condition=~Q(idempotency_key=""),
                name="runs_idempotency_key",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["status"], condition=Q(status__in=["queued", "running", "waiting"]), name="runs_active"
            ),
            models.Index(fields=["target", "-id"], name="runs_target"),
        ]

    def __str__(self) -> str:
        return f"{self.plan} on {self.target_name} ({self.status})"


class RunStep(models.Model):
    """One step of a Run. `phase` says how far it got; the runner re-enters it at look after a crash."""

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        HELD = "held"  # it failed, and people decide until its deadline: retry, ignore, abort
        DONE = "done"
        IGNORED = "ignored"  # it failed, and a second person let the Run go on
        FAILED = "failed"
        SKIPPED = "skipped"
        UNDONE = "undone"
        UNDO_FAILED = "undo_failed"

    class Phase(models.TextChoices):
        LOOK = "look"
        READY = "ready"
        INTENT = "intent"  # written before the act is sent; the act may or may not have reached the host
        ACTING = "acting"  # the host confirmed that the act has started
        SETTLING = "settling"  # the act has ended; its effect is awaited
        SETTLED = "settled"
        UNDO_INTENT = "undo_intent"
        UNDOING = "undoing"

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()  # from 1
    name = models.CharField(max_length=60)
    title = models.CharField(max_length=120)
    mutating = models.BooleanField()
    place = models.CharField(max_length=80, blank=True)  # the target it acts on; "" until it begins
    place_name = models.CharField(max_length=255, blank=True)  # as people know it
    state = models.CharField(max_length=12, choices=State.choices, default=State.WAITING)
    phase = models.CharField(max_length=12, choices=Phase.choices, default=Phase.LOOK)
    attempt = models.PositiveSmallIntegerField(default=1)  # +1 when a person retries it
    began = models.DateTimeField(null=True, blank=True)
    ended = models.DateTimeField(null=True, blank=True)
    deadline = models.DateTimeField(null=True, blank=True)  # when patience ends; of a held one, people's time
    intended_at = models.DateTimeField(null=True, blank=True)  # null: it never set out to act
    sentence = models.TextField(blank=True)
    # [{"argv": [...], "timeout": seconds, "root": bool} | {"fetch": path, "name": name} | {"work": name}], as sent
    act = models.JSONField(default=list)
    undo = models.JSONField(default=list)  # likewise; registered before the act
    undo_attempt = models.PositiveSmallIntegerField(default=1)  # +1 when a person retries the undo
    no_undo = models.TextField(blank=True)  # "No undo: ..." when there is none
    ignored_by = models.CharField(max_length=150, blank=True)
    ignored_at = models.DateTimeField(null=True, blank=True)
    ignored_why = models.CharField(max_length=500, blank=True)
    expected_seconds = models.FloatField(null=True, blank=True)
    out_offset = models.BigIntegerField(default=0)  # bytes of stdout that are lines already
    err_offset = models.BigIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["run", "position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "position"], name="runs_step_position"),
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.title} ({self.state})"

    @property
    def act_lines(self) -> list[str]:
        """What it runs, one line of sh per command, for people."""
        return [_line(entry) for entry in self.act]

    @property
    def undo_lines(self) -> list[str]:
        """What would take it back, one line of sh per command, for people."""
        return [_line(entry) for entry in self.undo]


def _line(entry: dict[str, Any]) -> str:
    if "work" in entry:
        return f"the portal itself: {entry['work']}"
    return f"fetch {entry['fetch']}" if "fetch" in entry else shlex.join(entry["argv"])


class RunLine(models.Model):
    """One line of a Run's log, committed as it comes. Secrets are masked before they get here."""

    class Source(models.TextChoices):
        HOST = "host"
        PORTAL = "portal"

    class Stream(models.TextChoices):
        OUT = "out"
        ERR = "err"
        NOTE = "note"  # the portal's own words

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="lines")
    step = models.ForeignKey(RunStep, null=True, blank=True, on_delete=models.CASCADE, related_name="lines")
    number = models.PositiveIntegerField()  # from 1, without gaps, per Run
    at = models.DateTimeField(db_default=Now())
    source = models.CharField(max_length=8, choices=Source.choices)
    stream = models.CharField(max_length=8, choices=Stream.choices)
    text = models.TextField()

    class Meta:
        ordering: ClassVar = ["run", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "number"], name="runs_line_number"),
        ]

    def __str__(self) -> str:
        return self.text
