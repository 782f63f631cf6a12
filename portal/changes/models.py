"""Change systems, the changes that acts belong to, what is written back to them, and what they called. Rows are moved
by portal.changes.services only."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from portal.access.sealed import SealedField
from portal.changes.asked import LONGEST
from portal.kernel.change import ChangeKey, ChangeSeen, Gate

GATES = [(one.value, one.value) for one in Gate]


class ChangeSystem(models.Model):
    """One change system and how it is reached. The secret is a password, a token or, for a webhook, none."""

    class Kind(models.TextChoices):
        SERVICENOW = "servicenow", "ServiceNow"
        JIRA = "jira", "Jira Service Management"
        BMC = "bmc", "BMC Helix"
        WEBHOOK = "webhook", "Signed webhook"

    class Required(models.TextChoices):
        NOTHING = "nothing", "no act"
        HA = "ha", "drills and maintenance"
        ALL = "all", "every act that changes something"

    name = models.SlugField(max_length=LONGEST, unique=True)  # in URLs and in `change.system` of requests
    kind = models.CharField(max_length=12, choices=Kind.choices)
    url = models.URLField(max_length=300)
    account = models.CharField(max_length=200, blank=True)
    secret = SealedField(blank=True)
    ca_pem = models.TextField(blank=True)  # "": the system's CAs
    pin_pem = models.TextField(blank=True)  # its certificate instead of a CA
    options = models.JSONField(default=dict, blank=True)  # what only one kind has, such as a project's key
    # HMAC of callbacks, and of a webhook in both directions: the former key counts until it is dropped
    signing_key = SealedField(blank=True)
    former_key = SealedField(blank=True)
    rotated_at = models.DateTimeField(null=True, blank=True)
    sites = models.JSONField(default=list, blank=True)  # names; empty: the whole estate
    required = models.CharField(max_length=8, choices=Required.choices, default=Required.NOTHING)
    closes = models.BooleanField(default=True)  # whether the portal closes a change after its drill or maintenance
    enabled = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1)  # +1 at every edit
    answered_at = models.DateTimeField(null=True, blank=True)  # its last answer that could be used
    failing_since = models.DateTimeField(null=True, blank=True)  # null: its last answer could be used
    error = models.TextField(blank=True)  # of the last attempt, one sentence; "" when it answered

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    def covers(self, site: str) -> bool:
        """Whether it is in charge of a site; "" is a target that stands at none. Upper and lower case are one."""
        return not self.sites or site.casefold() in [name.casefold() for name in self.sites]


class Change(models.Model):
    """One change of one system. seen_*: as it was read back last; what somebody sent is never kept here."""

    system = models.ForeignKey(ChangeSystem, on_delete=models.PROTECT, related_name="changes")
    number = models.CharField(max_length=LONGEST)  # for people: CHG0030004
    sys_id = models.CharField(max_length=LONGEST, blank=True)  # for calls
    short = models.CharField(max_length=160, blank=True)  # "" unless the portal asked for it
    asked_by = models.CharField(max_length=150)
    asked_at = models.DateTimeField()
    mark = models.CharField(max_length=64, unique=True)  # so that asking the system twice makes one change
    gate = models.CharField(max_length=10, choices=GATES, default=Gate.PREVENTED.value)
    sentence = models.TextField(blank=True)
    state = models.CharField(max_length=80, blank=True)  # the system's own word
    kind = models.CharField(max_length=40, blank=True)
    begins = models.DateTimeField(null=True, blank=True)
    ends = models.DateTimeField(null=True, blank=True)
    ci = models.JSONField(default=list)
    url = models.URLField(max_length=500, blank=True)
    sequence = models.BigIntegerField(default=0)
    changed = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)  # null: it was never read back
    tried_at = models.DateTimeField(null=True, blank=True)  # the last attempt
    failing_since = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)  # of the last attempt; "" when it answered
    clashes = models.JSONField(default=list)  # what the system itself sees in the way, as sentences
    clashes_at = models.DateTimeField(null=True, blank=True)  # null: it was not asked
    look_at = models.DateTimeField(null=True, blank=True)  # when it is read back next, unasked; null: never
    notes_made = models.PositiveIntegerField(default=0)
    closed_by_us = models.DateTimeField(null=True, blank=True)  # when its closing was queued

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["system", "number"], name="changes_number")]
        indexes: ClassVar = [
            models.Index(fields=["look_at"], condition=Q(look_at__isnull=False), name="changes_due"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def key(self) -> ChangeKey:
        """As the change system is asked for it."""
        return ChangeKey(self.system.name, self.number, self.sys_id)

    @property
    def seen(self) -> ChangeSeen | None:
        """As it was read back last; None when it never was."""
        if self.seen_at is None:
            return None
        return ChangeSeen(
            self.key, self.state, Gate(self.gate), self.sentence, self.kind, self.begins, self.ends, tuple(self.ci),
            self.url, self.sequence, self.changed,
        )  # fmt: skip


class Wish(models.Model):
    """A change that is asked for at a change system. It is claimed here before anything goes out, so that of two who
    ask with one key one asks; and after any crash it is known whether anybody knows what became of it."""

    class State(models.TextChoices):
        ASKING = "asking", "Being asked for"
        MADE = "made", "Made"
        NOT_MADE = "not_made", "Not made"  # it was refused, or looked for and not found
        UNKNOWN = "unknown", "Not known"  # it went out, and no answer told what became of it

    system = models.ForeignKey(ChangeSystem, on_delete=models.PROTECT, related_name="wishes")
    mark = models.CharField(max_length=64, unique=True)  # of person and key: what the system is asked with
    by = models.CharField(max_length=150)
    wanted = models.JSONField()  # as it goes out
    state = models.CharField(max_length=10, choices=State.choices, default=State.ASKING)
    error = models.TextField(blank=True)  # of the last attempt
    asked_at = models.DateTimeField()
    taken_until = models.DateTimeField(null=True, blank=True)  # whoever asks has it; after that nobody knows
    change = models.ForeignKey(Change, on_delete=models.PROTECT, null=True, blank=True, related_name="wishes")

    class Meta:
        ordering: ClassVar = ["-pk"]
        indexes: ClassVar = [
            models.Index(
                fields=["taken_until"], condition=Q(state__in=["asking", "unknown"]), name="changes_wish_open"
            ),
        ]

    def __str__(self) -> str:
        return str(self.wanted.get("short", ""))


class ChangeNote(models.Model):
    """One thing that the portal owes to a change. Those of one change are delivered in order of `sequence`; one that is
    refused is not delivered, is seen, and holds up none after it but the close. `mark` goes along, so that a repeat can
    be recognised there."""

    class Kind(models.TextChoices):
        NOTE = "note", "Work note"
        ATTACH = "attach", "Attachment"
        CLOSE = "close", "Close"

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        DELIVERED = "delivered", "Delivered"
        HELD = "held", "Held"  # refused for what people can put right over there; tried seldom
        DEAD = "dead", "Not delivered"  # it is not tried again by itself
        DROPPED = "dropped", "Given up"  # a person has decided so
        WITHDRAWN = "withdrawn", "Withdrawn"  # a close: something of the change began before it was delivered

    LOST: ClassVar = (State.HELD, State.DEAD)  # refused: people see them, may try them again or give them up

    change = models.ForeignKey(Change, on_delete=models.PROTECT, related_name="notes")
    sequence = models.PositiveIntegerField()  # from 1, without gaps, per change
    key = models.CharField(max_length=120, unique=True)  # names what it says, so that it is queued once
    mark = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    about = models.CharField(max_length=80)  # as the evidence names it: run:7
    text = models.TextField(blank=True)  # of a note; closing notes
    name = models.CharField(max_length=120, blank=True)  # of a file
    media_type = models.CharField(max_length=80, blank=True)
    content = models.BinaryField(blank=True, default=b"")  # emptied when delivered
    sha256 = models.CharField(max_length=64, blank=True)
    began = models.DateTimeField(null=True, blank=True)  # of a close: the actual times
    ended = models.DateTimeField(null=True, blank=True)
    code = models.CharField(max_length=20, blank=True)  # successful | successful_issues | unsuccessful
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)  # of the last attempt, in the system's words where it gave any
    queued_at = models.DateTimeField()
    next_at = models.DateTimeField()
    taken_until = models.DateTimeField(null=True, blank=True)  # a worker has it
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["change", "sequence"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["change", "sequence"], name="changes_note_sequence")]
        indexes: ClassVar = [
            models.Index(fields=["next_at"], condition=Q(state="queued"), name="changes_note_due"),
            models.Index(fields=["change"], condition=Q(state__in=["held", "dead"]), name="changes_note_lost"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.sequence} of {self.change}"


class Callback(models.Model):
    """What somebody called. It says nothing that is believed: an accepted one only causes a read-back."""

    class Verdict(models.TextChoices):
        ACCEPTED = "accepted", "Accepted: read back"
        UNKNOWN_CHANGE = "unknown_change", "Of a change that is not known here"
        UNSIGNED = "unsigned", "Refused: not signed"
        FORGED = "forged", "Refused: the signature does not fit"
        STALE = "stale", "Refused: too old or from the future"
        REPLAYED = "replayed", "Refused: it came before"
        OUTDATED = "outdated", "Refused: a newer one came before"
        MALFORMED = "malformed", "Refused: not readable"

    system = models.ForeignKey(ChangeSystem, on_delete=models.CASCADE, related_name="callbacks")
    at = models.DateTimeField()
    address = models.GenericIPAddressField(null=True, blank=True)
    number = models.CharField(max_length=LONGEST, blank=True)  # that it named
    sequence = models.BigIntegerField(default=0)
    digest = models.CharField(max_length=64)  # SHA-256 of timestamp and body: what makes a replay
    verdict = models.CharField(max_length=16, choices=Verdict.choices)
    sentence = models.CharField(max_length=300)

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            # the memory that a replay is told by; also against two at one moment
            models.UniqueConstraint(
                fields=["system", "digest"],
                condition=Q(verdict__in=["accepted", "unknown_change"]),
                name="changes_callback_once",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["system", "number", "-sequence"], name="changes_callback_number")]

    def __str__(self) -> str:
        return f"{self.system} about {self.number or 'nothing that is known'}: {self.verdict}"


class Lift(models.Model):
    """Two people lift the gate of a change system for acts other than drills, with a reason: it is away, and something
    cannot wait. Drills have their own (docs/adr/0021)."""

    system = models.ForeignKey(ChangeSystem, on_delete=models.PROTECT, related_name="lifts")
    reason = models.CharField(max_length=500)
    asked_by = models.CharField(max_length=150)
    asked_at = models.DateTimeField()
    confirmed_by = models.CharField(max_length=150, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    until = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=150, blank=True)  # before its time, or before it was confirmed
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(confirmed_by=F("asked_by")), name="changes_lift_two_people"),
        ]

    def __str__(self) -> str:
        return f"lift of {self.system}"
