"""What people say of availability, as forms."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError

from failover.models import Correction, Objective, ObjectiveVersion
from failover.services.corrections import LONGEST_CAUSE
from failover.services.objectives import DEFAULT, LONGEST, Wish, zones

NUMBER = {"inputmode": "decimal"}


class ObjectiveForm(forms.Form):
    """What is promised of a service."""

    percent = forms.DecimalField(
        label="Objective, % of the time",
        max_digits=7,
        decimal_places=4,
        initial=DEFAULT,
        help_text="99.99 % leaves 4 min 23 s of an average month, and 52 min 36 s of a year.",
    )
    period = forms.ChoiceField(label="Over", choices=ObjectiveVersion.Period.choices)
    zone = forms.ChoiceField(label="By the calendar of", choices=lambda: [(name, name) for name in zones()])
    every = forms.FloatField(
        label="Asked every, seconds",
        initial=5.0,
        widget=forms.NumberInput(attrs=NUMBER),
        help_text="It counts at once. What lies before stays judged by the rhythm of its time.",
    )
    most_ms = forms.FloatField(
        label="A read takes at most, ms", initial=1.0, help_text="Means of five minutes above it count as down."
    )
    why = forms.CharField(label="Why", max_length=LONGEST, help_text="It counts from the next period on.")
    based_on = forms.IntegerField(widget=forms.HiddenInput, initial=0)

    def __init__(self, *args: Any, kind: str, **more: Any) -> None:
        super().__init__(*args, **more)
        lun = kind == Objective.Kind.LUN
        del self.fields["every" if lun else "most_ms"]

    def wish(self) -> Wish:
        """What was asked for; only of a valid form."""
        given = self.cleaned_data
        return Wish(
            given["percent"], given["period"], given["zone"], given.get("every", 5.0), given.get("most_ms", 1.0)
        )


class DeclareForm(ObjectiveForm):
    """The objective of a service that has none. choices: (value, words) of the services."""

    service = forms.ChoiceField(label="Service")

    field_order = ("service", "percent", "period", "zone", "every", "most_ms", "why")

    def __init__(self, *args: Any, choices: list[tuple[str, str]], **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["service"].choices = choices  # type: ignore[attr-defined]
        del self.fields["based_on"]


class RetireForm(forms.Form):
    """Why nothing is promised any more."""

    why = forms.CharField(label="Why", max_length=LONGEST, help_text="What was measured stays.")


class CorrectionForm(forms.Form):
    """One entry of the ledger. Times are those of the objective's zone."""

    kind = forms.ChoiceField(label="What is put right", choices=Correction.Kind.choices)
    begins = forms.CharField(label="From", max_length=32)
    ends = forms.CharField(label="Until", max_length=32)
    cause = forms.CharField(
        max_length=LONGEST_CAUSE, required=False, help_text="As the ledger and reports name it: fabric B, SWB1 port 5."
    )
    reason = forms.CharField(
        label="How you know it",
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Tickets, logs, names. It stands in the evidence with yours.",
    )
    key = forms.CharField(max_length=200, widget=forms.HiddenInput)

    def __init__(self, *args: Any, zone: str, **more: Any) -> None:
        super().__init__(*args, **more)
        self.zone = zone
        for name in ("begins", "ends"):
            self.fields[name].help_text = f"2026-11-26 03:07:12, by the clock of {zone}."

    def clean_begins(self) -> datetime:
        """As a moment."""
        return self._moment("begins")

    def clean_ends(self) -> datetime:
        """As a moment."""
        return self._moment("ends")

    def _moment(self, name: str) -> datetime:
        text = self.cleaned_data[name].strip()
        try:
            found = datetime.fromisoformat(text)
            return (found if found.tzinfo else found.replace(tzinfo=ZoneInfo(self.zone))).astimezone(UTC)
        except (ValueError, OverflowError):
            raise ValidationError("Write it as 2026-11-26 03:07:12.") from None


class DecisionForm(forms.Form):
    """What becomes of a correction that waits."""

    why = forms.CharField(max_length=LONGEST, required=False, help_text="Needed for a refusal.")


def kinds() -> Iterator[tuple[str, str]]:
    """Kinds of corrections with what each does."""
    yield from (
        ("cause", "names the cause; no figure changes"),
        ("unplanned", "counts downtime as unplanned that a window or drill made planned"),
        ("down", "counts a time as down that was not seen so"),
        ("planned", "counts downtime as planned; needs a second person"),
        ("up", "takes downtime back that was none; needs a second person; never makes unseen time up"),
    )
