"""Changes as people see them: shape and word, what was written back, what was called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet

from portal.changes.models import Callback, Change, ChangeNote, ChangeSystem
from portal.kernel.change import Gate

GATES = {
    Gate.ALLOWED: ("ok", "Allowed"),
    Gate.AWAITING: ("waiting", "Awaits approval"),
    Gate.PREVENTED: ("warn", "Prevented"),
    Gate.INVALID: ("fail", "Invalid"),
}
NOTES = {
    ChangeNote.State.QUEUED: "waiting",
    ChangeNote.State.DELIVERED: "ok",
    ChangeNote.State.HELD: "warn",
    ChangeNote.State.DEAD: "fail",
    ChangeNote.State.DROPPED: "warn",
    ChangeNote.State.WITHDRAWN: "unknown",
}
CALLS = {Callback.Verdict.ACCEPTED: "ok", Callback.Verdict.UNKNOWN_CHANGE: "waiting"}
LISTED = 100  # changes of the list
CALLED = 20  # callbacks of a page


@dataclass(frozen=True)
class Row:
    """A change with shape, word and sentence."""

    change: Change
    state: str
    word: str
    sentence: str


def listed() -> list[Row]:
    """The newest first, with how many notes were not delivered and how many runs belong to each."""
    lost = Count("notes", filter=Q(notes__state__in=ChangeNote.LOST), distinct=True)
    rows = Change.objects.select_related("system").annotate(lost=lost, many=Count("runs", distinct=True))
    return [row_of(change) for change in rows.order_by("-pk")[:LISTED]]


def row_of(change: Change) -> Row:
    """As it was read back last; one that could not be read back is not known, whatever it was before."""
    if change.error:
        return Row(change, "unknown", "Not read back", change.error)
    if change.seen_at is None:
        return Row(change, "unknown", "Not read back yet", "It is read back in a moment.")
    return Row(change, *GATES[Gate(change.gate)], change.sentence)


@dataclass(frozen=True)
class NoteRow:
    """One note with its shape and word."""

    note: ChangeNote
    state: str
    word: str

    @property
    def lost(self) -> bool:
        """Whether people may try it again or give it up."""
        return self.note.state in ChangeNote.LOST


def notes(change: Change) -> list[NoteRow]:
    """Everything that is owed to it, in order."""
    return [_note(row) for row in change.notes.defer("content").order_by("sequence")]


def _note(row: ChangeNote) -> NoteRow:
    state, word = NOTES[ChangeNote.State(row.state)], row.get_state_display()
    if row.state == ChangeNote.State.QUEUED and row.error:
        return NoteRow(row, "warn", "Not delivered yet")
    return NoteRow(row, state, word)


def counts(rows: Sequence[NoteRow]) -> tuple[int, int, int]:
    """Delivered, waiting, not delivered."""
    states = [row.note.state for row in rows]
    S, lost = ChangeNote.State, [state for state in states if state in ChangeNote.LOST]
    return states.count(S.DELIVERED), states.count(S.QUEUED), len(lost)


def calls(rows: QuerySet[Callback]) -> list[tuple[str, Callback]]:
    """The latest callbacks, each with its shape."""
    found = rows.select_related("system").order_by("-pk")[:CALLED]
    return [(CALLS.get(Callback.Verdict(row.verdict), "warn"), row) for row in found]


@dataclass(frozen=True)
class SystemShown:
    """A change system with shape, word and sentence. where: for which sites."""

    system: ChangeSystem
    state: str
    word: str
    sentence: str
    where: str


def systems() -> list[SystemShown]:
    """All, by name."""
    return [shown(row) for row in ChangeSystem.objects.order_by("name")]


def shown(row: ChangeSystem) -> SystemShown:
    """Whether it answers."""
    where = ", ".join(row.sites) if row.sites else "the whole estate"
    if not row.enabled:
        return SystemShown(row, "maintenance", "Switched off", "It is asked for nothing.", where)
    if row.error:
        return SystemShown(row, "fail", "Does not answer", row.error, where)
    if row.answered_at is None:
        return SystemShown(row, "unknown", "Not asked yet", "Test the connection.", where)
    return SystemShown(row, "ok", "Answers", "Its last answer could be used.", where)


def headline(rows: Sequence[Row], lost: int, known: Sequence[SystemShown], now: datetime) -> tuple[str, str, str]:
    """State, headline and lead of the list."""
    if not known:
        return "unknown", "No change system is set", "A change number is kept as text, and nobody is asked about it."
    silent = [one.system.name for one in known if one.state == "fail"]
    if silent:
        lead = (
            "What cannot be read back prevents: acts with a change wait until it answers, or two people lift the gate."
        )
        return "fail", f"{', '.join(silent)} {'does' if len(silent) == 1 else 'do'} not answer", lead
    if lost:
        return "warn", f"{lost} note{'s' if lost > 1 else ''} not delivered", "Try them again, or give them up."
    open_ = sum(1 for row in rows if row.change.ends is None or row.change.ends > now)
    lead = "Each is read back before every step that changes something; what somebody sends is never believed."
    return "ok", f"{open_} change{'' if open_ == 1 else 's'} whose window is not over", lead
