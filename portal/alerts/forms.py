"""Alerts, receivers, routes and silences as forms. Secrets go in and never come back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from portal.access.roles import ROLES
from portal.alerts.models import CONCERNS, SEVERITIES, Receiver, Route, Silence
from portal.alerts.rules.timing import DAYS
from portal.alerts.services.checking import receiver_mistakes, route_mistakes
from portal.kernel.secret import Secret

if TYPE_CHECKING:
    ReceiverModelForm = forms.ModelForm[Receiver]
    RouteModelForm = forms.ModelForm[Route]
    SilenceModelForm = forms.ModelForm[Silence]
else:
    ReceiverModelForm = RouteModelForm = SilenceModelForm = forms.ModelForm

HOURS = [("", "while it is open"), ("1", "1 h"), ("4", "4 h"), ("8", "8 h"), ("24", "24 h"), ("72", "3 days")]
NAMES = "Names with commas between them; empty means any."
PATTERN = "With * and ?, such as kvm* or ora_data??; empty means any."


class Answer(forms.Form):
    """What a person says of an alert."""

    words = forms.CharField(label="Note", max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2}))
    hours = forms.ChoiceField(label="For", choices=HOURS, required=False)

    def until(self, now: datetime) -> datetime | None:
        """Until when, None for as long as it is open."""
        hours = self.cleaned_data["hours"]
        return now + timedelta(hours=int(hours)) if hours else None


class Names(forms.CharField):
    """Names with commas between them."""

    def prepare_value(self, value: Any) -> Any:
        """As they are typed."""
        return ", ".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        """As they are kept."""
        if isinstance(value, list):
            return value
        names = [one.strip() for one in str(value or "").split(",") if one.strip()]
        if any(len(one) > 80 for one in names):
            raise ValidationError("No name has more than 80 characters.")
        return list(dict.fromkeys(names))


def _names(label: str) -> Names:
    return Names(label=label, required=False, max_length=2000, help_text=NAMES)


class WriteOnly(forms.TextInput):
    """Shows nothing, not even what was just refused."""

    def format_value(self, value: Any) -> str:
        """Nothing."""
        return ""


def _secret(label: str, words: str) -> forms.CharField:
    widget = WriteOnly(attrs={"autocomplete": "off", "spellcheck": "false"})
    return forms.CharField(label=label, required=False, max_length=2000, widget=widget, help_text=words)


class ReceiverForm(ReceiverModelForm):
    """Who is told, and how."""

    role = forms.ChoiceField(
        choices=[("", "none"), *((name, one.title) for name, one in ROLES.items())], required=False
    )
    new_url = _secret(
        "Address of the webhook", "https://...; whoever knows it can speak there. Empty keeps what is stored."
    )
    new_key = _secret(
        "Key for signatures", "16 characters or more. A new key keeps the old one beside it until you drop it."
    )
    drop_old = forms.BooleanField(label="Drop the old key", required=False)

    class Meta:
        model = Receiver
        fields: ClassVar = [
            *("name", "channel", "role", "address", "transport", "facility", "ca_pem", "pin_pem", "resolved", "enabled")
        ]
        labels: ClassVar = {
            "address": "E-mail address, or host:port of the syslog server",
            "ca_pem": "CA",
            "pin_pem": "Pinned certificate",
            "resolved": "Is told when it is over, too",
            "enabled": "In use",
        }
        help_texts: ClassVar = {
            "ca_pem": "PEM. Empty: the system's CAs.",
            "pin_pem": "PEM, compared by you; then neither CA nor name counts.",
            "facility": "Syslog: 16 is local0.",
        }
        widgets: ClassVar = {
            "ca_pem": forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
            "pin_pem": forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:  # another channel is another receiver
            self.fields["channel"].disabled = True

    @property
    def groups(self) -> list[tuple[str, list[Any]]]:
        """The fields under their headings."""
        parts = (
            ("The receiver", ("name", "channel", "resolved", "enabled")),
            ("E-mail and syslog", ("role", "address", "transport", "facility")),
            ("Webhooks", ("new_url", "new_key", "drop_old")),
            ("Trust", ("ca_pem", "pin_pem")),
        )
        return [(title, [self[name] for name in names]) for title, names in parts]

    def clean(self) -> dict[str, Any]:
        """What its channel cannot do without."""
        given = super().clean() or self.cleaned_data
        row = self.instance
        for name in self.Meta.fields:
            if name in given:
                setattr(row, name, given[name])
        if url := given.get("new_url"):
            row.url = Secret(url.strip())
        if given.get("drop_old"):
            row.old_key = Secret("")
        if key := given.get("new_key"):
            row.old_key, row.key = row.key or Secret(""), Secret(key)
        fields = {"url": "new_url", "key": "new_key"}
        for name, words in receiver_mistakes(row).items():
            self.add_error(fields.get(name, name), words)
        return given


class FilteredForm(forms.ModelForm):  # type: ignore[type-arg]
    """Which alerts are meant."""

    least = forms.ChoiceField(label="Severity, at least", choices=SEVERITIES)
    concerns = forms.MultipleChoiceField(
        label="Concerns", choices=CONCERNS, required=False, widget=forms.CheckboxSelectMultiple, help_text="None: any."
    )
    engines = _names("Engines")
    sites = _names("Sites")
    kinds = _names("Kinds of subject")

    FILTER: ClassVar = ("least", "concerns", "engines", "sites", "kinds", "subject")


class RouteForm(FilteredForm):
    """Who is told of what, when."""

    days = forms.TypedMultipleChoiceField(
        label="Days", choices=list(enumerate(DAYS)), coerce=int, required=False, widget=forms.CheckboxSelectMultiple,
        help_text="None: every day.",
    )  # fmt: skip

    class Meta:
        model = Route
        fields: ClassVar = [
            *("name", "position", *FilteredForm.FILTER, "days", "begins", "ends", "zone", "receivers", "digest"),
            *("escalate_after", "escalate_to", "goes_on", "enabled"),
        ]
        labels: ClassVar = {
            "subject": "Name of the subject", "begins": "From", "ends": "To", "zone": "Time zone",
            "digest": "Gather for, minutes", "escalate_after": "Escalate after, minutes", "escalate_to": "Escalate to",
            "goes_on": "Ask the routes behind it, too", "enabled": "In use", "position": "Place in the order",
        }  # fmt: skip
        help_texts: ClassVar = {
            "subject": PATTERN,
            "zone": "Such as Asia/Kuwait.",
            "ends": "The same as From: the whole day. Earlier: on the next day.",
            "digest": "0: each message at once.",
            "escalate_after": "Without an acknowledgement; 0: never.",
            "receivers": "None: what fits is told to nobody.",
        }
        widgets: ClassVar = {
            "receivers": forms.CheckboxSelectMultiple,
            "begins": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
            "ends": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        }

    @property
    def groups(self) -> list[tuple[str, list[Any]]]:
        """The fields under their headings."""
        parts = (
            ("The route", ("name", "position", "enabled")),
            ("Which alerts", self.FILTER),
            ("When", ("days", "begins", "ends", "zone")),
            ("Who is told", ("receivers", "digest", "goes_on", "escalate_after", "escalate_to")),
        )
        return [(title, [self[name] for name in names]) for title, names in parts]

    def clean(self) -> dict[str, Any]:
        """What does not go together."""
        given = super().clean() or self.cleaned_data
        for name in ("zone", "digest", "escalate_after", "escalate_to", "days"):
            if name in given:
                setattr(self.instance, name, given[name])
        for name, words in route_mistakes(self.instance).items():
            self.add_error(name, words)
        return given


class SilenceForm(FilteredForm):
    """What is not told for a while, and why."""

    hours = forms.ChoiceField(label="For", choices=HOURS[1:], initial="4")

    class Meta:
        model = Silence
        fields: ClassVar = [*FilteredForm.FILTER, "reason"]
        labels: ClassVar = {"subject": "Name of the subject"}
        help_texts: ClassVar = {"subject": PATTERN, "reason": "For whoever wonders why nobody was told."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["concerns"].help_text = "None: any but data-loss, which is silenced only where it is named."

    @property
    def groups(self) -> list[tuple[str, list[Any]]]:
        """The fields under their headings."""
        parts = (("Which alerts", self.FILTER), ("How long, and why", ("hours", "reason")))
        return [(title, [self[name] for name in names]) for title, names in parts]

    def wanted(self) -> Silence:
        """The silence, not saved."""
        row: Silence = self.save(commit=False)
        row.begins = timezone.now()
        row.until = row.begins + timedelta(hours=int(self.cleaned_data["hours"]))
        return row
