"""What people decide about period reports, as a form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from failover.models import ReportDefinition, ReportFile
from failover.reports.period.language import LANGUAGES
from failover.reports.period.span import problem
from failover.services.reporting import checked
from inventory.models import Engine, Site
from portal.access.roles import ROLES
from portal.alerts.models import Receiver

if TYPE_CHECKING:
    ReportModelForm = forms.ModelForm[ReportDefinition]
else:
    ReportModelForm = forms.ModelForm

PEOPLE = [(name, role.title) for name, role in ROLES.items() if "report.view" in role.acts]
EVERYBODY = [(name, role.title) for name, role in ROLES.items() if name != "change_system"]


def _many(label: str, choices: Any, hint: str) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=label, choices=choices, required=False, widget=forms.CheckboxSelectMultiple, help_text=hint
    )


class DefinitionForm(ReportModelForm):
    """A report, its period, and who gets it."""

    language = forms.ChoiceField(
        choices=list(LANGUAGES.items()), help_text="Of dates and numbers. Sentences are English."
    )
    formats = _many("Forms", ReportFile.Form.choices, "JSON is always made: it is what is verified.")
    roles = _many("Sent to roles", EVERYBODY, "To the role's address, or to each person in it who has one.")
    addresses = forms.CharField(
        label="Sent to addresses", required=False, widget=forms.Textarea(attrs={"rows": 2}), help_text="One a line."
    )
    webhooks = _many("Told to webhooks", (), "Receivers of alerts; they are told where it is and its hash.")
    readers = _many("May read it here", PEOPLE, "Nobody chosen: every role that may read reports.")
    order: ClassVar = ("title", "engine", "site", "period", "zone", "hour", "language", "formats", "delivery", "roles",
                       "addresses", "webhooks", "readers", "late_hours", "enabled")  # fmt: skip

    class Meta:
        model = ReportDefinition
        fields: ClassVar = ["title", "engine", "site", "period", "zone", "hour", "language", "formats", "delivery",
                            "roles", "addresses", "readers", "webhooks", "late_hours", "enabled"]  # fmt: skip
        labels: ClassVar = {"hour": "Made at hour", "late_hours": "Late after, hours", "enabled": "In force"}
        help_texts: ClassVar = {
            "engine": "Empty: the whole estate, or the site below.",
            "zone": "By whose calendar a period begins and ends, such as Africa/Nairobi.",
            "hour": "Of the day after the period, 0 to 23, by the clock of the zone.",
            "late_hours": "After its due time. From then on it is an alarm.",
        }

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.order_fields(list(self.order))
        names = (
            Receiver.objects.filter(channel=Receiver.Channel.WEBHOOK).order_by("name").values_list("name", flat=True)
        )
        self._field("webhooks").choices = [(name, name) for name in names]
        self._field("engine").queryset = Engine.objects.filter(watched=True).order_by("name")
        self._field("site").queryset = Site.objects.order_by("name")
        for name, words in (("engine", "the whole estate, or a site"), ("site", "the whole estate, or an engine")):
            self._field(name).empty_label = words
        self.initial["addresses"] = "\n".join(self.instance.addresses)

    def _field(self, name: str) -> Any:
        return self.fields[name]

    def clean_zone(self) -> str:
        """An IANA name."""
        zone = str(self.cleaned_data["zone"]).strip()
        if wrong := problem(zone):
            raise ValidationError(wrong)
        return zone

    def clean_hour(self) -> int:
        """0 to 23."""
        hour = int(self.cleaned_data["hour"])
        if hour > 23:
            raise ValidationError("An hour is from 0 to 23.")
        return hour

    def clean_addresses(self) -> list[str]:
        """One address a line."""
        found = [line.strip() for line in self.cleaned_data["addresses"].splitlines() if line.strip()]
        for one in found:
            try:
                validate_email(one)
            except ValidationError:
                raise ValidationError(f"{one[:80]} is no mail address.") from None
        return list(dict.fromkeys(found))

    def clean(self) -> dict[str, Any]:
        """What no single field can tell."""
        given: dict[str, Any] = super().clean() or {}
        for sentence in checked(given):
            self.add_error(None, sentence)
        return given
