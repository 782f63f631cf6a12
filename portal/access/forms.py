"""Forms of a person's own affairs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm

from portal.access.models import Preference

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
