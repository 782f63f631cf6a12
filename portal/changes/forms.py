"""Change systems and wishes for changes, as forms. Secrets go in and never come back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from portal.changes.asked import KINDS
from portal.changes.models import ChangeSystem
from portal.connectors.change import OPTIONS, problem_of
from portal.kernel.secret import Secret

if TYPE_CHECKING:
    SystemModelForm = forms.ModelForm[ChangeSystem]
else:
    SystemModelForm = forms.ModelForm

GROUPS = (
    ("The change system", ("name", "kind", "url", "enabled")),
    ("How it lets the portal in", ("account", "new_secret", "ca_pem", "pin_pem", "lines")),
    ("What it decides", ("where", "required", "closes")),
)
SHORTEST_KEY = 16


class WriteOnly(forms.PasswordInput):
    """Shows nothing, not even what was just refused."""

    def __init__(self) -> None:
        super().__init__(render_value=False, attrs={"autocomplete": "new-password"})


class SystemForm(SystemModelForm):
    """One change system."""

    url = forms.URLField(
        label="Address", max_length=300, assume_scheme="https", help_text="https://..., as people open it."
    )
    new_secret = forms.CharField(
        label="Password or token",
        required=False,
        strip=False,
        widget=WriteOnly(),
        help_text="Empty keeps what is stored. A signed webhook has none: its signing key is made on its page.",
    )
    lines = forms.CharField(
        label="Options",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text="One a line: name=value. "
        + "; ".join(f"{kind}: {', '.join(names)}" for kind, names in OPTIONS.items()),
    )
    where = forms.CharField(
        label="Sites",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Names, one a line. Empty: the whole estate.",
    )

    class Meta:
        model = ChangeSystem
        fields: ClassVar = ["name", "kind", "url", "account", "ca_pem", "pin_pem", "required", "closes", "enabled"]
        labels: ClassVar = {
            "ca_pem": "CA of its certificate",
            "pin_pem": "Its certificate, pinned",
            "required": "A change is required for",
            "closes": "Close a change after its drill or maintenance",
        }
        help_texts: ClassVar = {
            "name": "Letters, digits and hyphens: it stands in addresses and in requests.",
            "ca_pem": "PEM. Empty: the system's CAs.",
            "pin_pem": "PEM, instead of a CA.",
            "required": "What the portal does unattended, such as a planned backup, never needs one.",
        }
        widgets: ClassVar = {
            "ca_pem": forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
            "pin_pem": forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row = self.instance
        self.based_on = row.version if row.pk else None
        self.initial.setdefault("lines", "\n".join(f"{name}={value}" for name, value in row.options.items()))
        self.initial.setdefault("where", "\n".join(row.sites))

    @property
    def groups(self) -> list[tuple[str, list[Any]]]:
        """The fields under their headings."""
        return [(title, [self[name] for name in fields]) for title, fields in GROUPS]

    def clean_lines(self) -> dict[str, str]:
        """Options by name."""
        found = {}
        for line in self.cleaned_data["lines"].splitlines():
            name, sign, value = line.partition("=")
            if line.strip() and not sign:
                raise ValidationError(f"{line.strip()[:40]!r} is no name=value.")
            if line.strip():
                found[name.strip()] = value.strip()
        return found

    def clean_where(self) -> list[str]:
        """Names, once each."""
        return list(dict.fromkeys(line.strip() for line in self.cleaned_data["where"].splitlines() if line.strip()))

    def clean(self) -> dict[str, Any]:
        """Kind, address and options fit each other."""
        given: dict[str, Any] = super().clean() or {}
        whole = given.get("kind") and given.get("url") and "lines" in given
        if whole and (wrong := problem_of(given["kind"], given["url"], given["lines"])):
            raise ValidationError(wrong)
        return given

    def row(self) -> ChangeSystem:
        """The row as it is to be saved."""
        row = self.save(commit=False)
        row.options, row.sites = self.cleaned_data["lines"], self.cleaned_data["where"]
        if self.cleaned_data["new_secret"]:
            row.secret = Secret(self.cleaned_data["new_secret"])
        return row


def _moment(label: str) -> forms.DateTimeField:
    return forms.DateTimeField(
        label=label,
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )


class WishForm(forms.Form):
    """A change to be asked for."""

    system = forms.ChoiceField(label="Change system")
    short = forms.CharField(label="Short description", max_length=160)
    kind = forms.ChoiceField(label="Kind", choices=[(kind, kind) for kind in KINDS], initial="normal")
    begins = _moment("Planned begin")
    ends = _moment("Planned end")
    ci = forms.CharField(
        label="Configuration items",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="As the change system names them, one a line; the first is the main one.",
    )
    description = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), required=False, max_length=4000)
    plan = forms.CharField(
        label="Implementation plan", widget=forms.Textarea(attrs={"rows": 3}), required=False, max_length=4000
    )
    backout = forms.CharField(
        label="Back-out plan", widget=forms.Textarea(attrs={"rows": 3}), required=False, max_length=4000
    )
    key = forms.CharField(max_length=200, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = ChangeSystem.objects.filter(enabled=True).order_by("name")
        self.fields["system"].choices = [(row.name, row.name) for row in rows]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """It ends later than it begins, and not in the past."""
        given: dict[str, Any] = super().clean() or {}
        begins, ends = given.get("begins"), given.get("ends")
        if begins and ends and ends <= begins:
            self.add_error("ends", "It ends before it begins.")
        elif ends and ends <= timezone.now():
            self.add_error("ends", "It has ended already.")
        return given
