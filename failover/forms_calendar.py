"""When drills are planned and when none may act, as forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from zoneinfo import available_timezones

from django import forms
from django.core.exceptions import ValidationError

from failover.forms import GIVEN, RTO, moment, parameter_fields, parameters
from failover.models import Blackout, Schedule
from failover.services import schedules
from portal.kernel.plan import Plan

if TYPE_CHECKING:
    ScheduleModelForm = forms.ModelForm[Schedule]
    BlackoutModelForm = forms.ModelForm[Blackout]
else:
    ScheduleModelForm = BlackoutModelForm = forms.ModelForm


class ScheduleForm(ScheduleModelForm):
    """When one plan is drilled on one engine, and what it is given each time."""

    people = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}),
        required=False,
        help_text="Names, one a line. Those with an account and an address get mail.",
    )
    rto = forms.IntegerField(
        label="Engine answers again within, seconds", min_value=1, max_value=1_000_000, initial=RTO
    )

    class Meta:
        model = Schedule
        fields: ClassVar = ["cron", "zone", "minutes", "overdue_days", "change", "enabled"]
        labels: ClassVar = {
            "cron": "Schedule (cron)",
            "zone": "Time zone",
            "minutes": "Length of the window, minutes",
            "overdue_days": "Alarm after so many days without a proof",
            "change": "Standing change number",
        }
        help_texts: ClassVar = {
            "cron": "Five fields. Empty: only by people; the alarm counts all the same.",
            "enabled": "A schedule proposes a drill seven days ahead. Another person approves it; a person begins it.",
        }

    def __init__(self, *args: Any, plan: Plan, **kwargs: Any) -> None:
        """The instance has its engine."""
        super().__init__(*args, **kwargs)
        self.plan = plan
        self.fields = {**parameter_fields(plan, self.instance.engine), **self.fields}
        for name, value in (self.instance.parameters or {}).items():
            self.initial.setdefault(f"{GIVEN}{name}", value)
        zones = sorted(zone for zone in available_timezones() if "/" in zone or zone == "UTC")
        self.fields["zone"] = forms.ChoiceField(label="Time zone", choices=[(zone, zone) for zone in zones])
        self.fields["cron"].required = self.fields["change"].required = False
        self.initial.setdefault("people", "\n".join(self.instance.notify or []))

    def clean(self) -> dict[str, Any]:
        """The schedule can be used."""
        given: dict[str, Any] = super().clean() or {}
        row = Schedule(engine=self.instance.engine, cron=given.get("cron", ""), zone=given.get("zone", "UTC"))
        if wrong := schedules.problem(row):
            raise ValidationError({"cron": wrong})
        return given

    def parameters(self) -> dict[str, Any]:
        """What each drill of it is given."""
        return parameters(self.plan, self.cleaned_data)


class BlackoutForm(BlackoutModelForm):
    """A time in which no drill acts."""

    begins = moment("Begins")
    ends = moment("Ends")

    class Meta:
        model = Blackout
        fields: ClassVar = ["title", "engine", "begins", "ends"]
        help_texts: ClassVar = {"engine": "Empty: all engines."}

    def clean(self) -> dict[str, Any]:
        """It ends later than it begins."""
        given: dict[str, Any] = super().clean() or {}
        if given.get("begins") and given.get("ends") and given["ends"] <= given["begins"]:
            self.add_error("ends", "It ends before it begins.")
        return given
