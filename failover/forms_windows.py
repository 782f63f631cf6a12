"""What people say of a maintenance, as forms."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from portal.changes.picking import ChangeNumber, about

USUAL = timedelta(hours=2)


def _deadline() -> forms.DateTimeField:
    return forms.DateTimeField(
        label="Deadline",
        help_text="An alarm comes 10 min before and at this time; after a grace the host ends it by itself.",
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        initial=usual,
    )


def usual() -> datetime:
    """A deadline to begin with, on the minute."""
    return (timezone.localtime() + USUAL).replace(second=0, microsecond=0)


class WindowForm(forms.Form):
    """Reason, deadline, change; and the name that is typed so that nobody means another one."""

    reason = forms.CharField(max_length=300, help_text="What is done meanwhile, for whoever sees the banner.")
    deadline = _deadline()
    change = ChangeNumber(help_text="As in the change system, which is asked; empty when there is none.")
    typed = forms.CharField(
        max_length=255, widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    )
    key = forms.CharField(max_length=200, widget=forms.HiddenInput)

    asked: tuple[str, ...] = ("reason", "deadline", "change")

    def __init__(
        self, *args: Any, name: str, target: str, site: str = "", asked: tuple[str, ...] = asked, **more: Any
    ) -> None:
        """site: its name, where it has to be typed, too; "" where it has not. target: as Runs name it."""
        super().__init__(*args, **more)
        self.name, self.site = name, site
        if site:
            self.fields["site"] = forms.CharField(label=f"Type {site} to confirm the site", max_length=80)
            self.fields["site"].widget.attrs.update({"autocomplete": "off", "spellcheck": "false"})
        self.fields["typed"].label = f"Type {name} to confirm"
        self.fields["typed"].help_text = "Enter does not submit it."
        for field in set(self.asked) - set(asked):
            del self.fields[field]
        if "change" in self.fields:
            about(self, target)

    def clean_typed(self) -> str:
        """The name of what is meant."""
        if self.cleaned_data["typed"].strip() != self.name:
            raise ValidationError(f"Type {self.name} to confirm which one is meant. Nothing was done.")
        return self.name

    def clean_site(self) -> str:
        """The site of what is meant."""
        if self.cleaned_data["site"].strip().casefold() != self.site.casefold():
            raise ValidationError(f"{self.name} stands at {self.site}. Nothing was done: go to what is meant.")
        return self.site
