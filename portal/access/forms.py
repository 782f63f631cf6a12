"""Forms of a person's own affairs."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, ClassVar
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm

from portal.access.models import Preference
from portal.access.roles import ACTS
from portal.access.services.tokens import LONGEST_DAYS

if TYPE_CHECKING:
    PreferenceModelForm = forms.ModelForm[Preference]
else:
    PreferenceModelForm = forms.ModelForm


class LoginForm(AuthenticationForm):
    """Name and password."""

    error_messages = {  # noqa: RUF012 (declared so by Django)
        "invalid_login": "The name or the password is wrong.",
        "inactive": "The name or the password is wrong.",
    }


class PreferenceForm(PreferenceModelForm):
    """Time zone, theme, single-key shortcuts."""

    time_zone = forms.ChoiceField(required=False)

    class Meta:
        model = Preference
        fields: ClassVar = ["time_zone", "theme", "shortcuts"]

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        zones = sorted(zone for zone in available_timezones() if "/" in zone or zone == "UTC")
        portal = ("", f"The portal's ({settings.TIME_ZONE})")
        self.fields["time_zone"].choices = [portal, *((zone, zone) for zone in zones)]  # type: ignore[attr-defined]


class TokenForm(forms.Form):
    """A new API token. acts: what the person may do, and so what the token can be made for."""

    name = forms.CharField(max_length=60)
    scopes = forms.MultipleChoiceField()
    days = forms.IntegerField(min_value=1, max_value=LONGEST_DAYS, initial=90)
    password = forms.CharField(strip=False)

    def __init__(self, data: object, acts: Collection[str]) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        self.fields["scopes"].choices = [(act, words) for act, words in ACTS.items() if act in acts]  # type: ignore[attr-defined]

    @property
    def ticks(self) -> list[tuple[str, str, bool]]:
        """Act, words, and whether it is ticked."""
        ticked = self["scopes"].value() or ()
        return [(act, words, act in ticked) for act, words in self.fields["scopes"].choices]  # type: ignore[attr-defined]
