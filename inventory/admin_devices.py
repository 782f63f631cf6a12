"""Switches and arrays in Django's admin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from inventory import models
from inventory.services.device_trust import shown
from inventory.services.host_keys import KeyRefusal, read_key
from inventory.services.watch import ensure
from portal.access.guarded import Guarded
from portal.kernel.secret import Secret

if TYPE_CHECKING:
    DeviceModelForm = forms.ModelForm[models.Device]
else:
    DeviceModelForm = forms.ModelForm


class DeviceForm(DeviceModelForm):
    """The password goes in and never comes back: an empty field keeps what is stored."""

    new_password = forms.CharField(
        required=False, strip=False, label="Password", widget=forms.PasswordInput(attrs={"autocomplete": "off"})
    )

    class Meta:
        model = models.Device
        fields: ClassVar = [
            *("engine", "site", "kind", "name", "address", "second_address", "port", "username", "sessionless"),
            *("rpo_seconds", "pin_pem", "ca_pem", "ssh_port", "ssh_host_key", "watched"),
        ]
        help_texts: ClassVar = {
            "second_address": "Of an array: its other controller.",
            "username": "An account that only reads: role user on a switch, Monitor on an array.",
            "sessionless": "Of a switch: the account goes with each request and no session is kept.",
            "rpo_seconds": "Of an array: the most seconds of data that may be lost with it. Empty: no objective.",
            "pin_pem": "The certificate that it shows, compared by you; or pin it on the device's page.",
            "ca_pem": "Instead of a pin: the CA that signed it.",
            "ssh_host_key": "Of a switch whose REST is off: one line of its host key, compared by you.",
        }

    def clean_ssh_host_key(self) -> str:
        """ "type base64", or empty: then its command line is not spoken to."""
        try:
            line = str(self.cleaned_data["ssh_host_key"]).strip()
            return read_key(line) if line else ""
        except KeyRefusal as error:
            raise forms.ValidationError(str(error)) from None

    def clean_pin_pem(self) -> str:
        """A certificate that can be read, or nothing."""
        pem = str(self.cleaned_data["pin_pem"]).strip()
        if pem and shown(pem) is None:
            raise forms.ValidationError("It is no certificate in PEM: from BEGIN CERTIFICATE to END CERTIFICATE.")
        return pem

    def clean_new_password(self) -> Secret:
        """Needed once."""
        secret = Secret(self.cleaned_data["new_password"])
        if not secret and not self.instance.pk:
            raise forms.ValidationError("A new device needs a password.")
        return secret

    def save(self, commit: bool = True) -> models.Device:
        """Puts a new password where it is sealed."""
        if self.cleaned_data["new_password"]:
            self.instance.password = self.cleaned_data["new_password"]
        return super().save(commit)


@admin.register(models.Device)
class DeviceAdmin(Guarded):
    """Switches and arrays and how to read them."""

    change = "estate.manage"
    adds = deletes = True
    form = DeviceForm
    list_display = ("name", "kind", "site", "engine", "address", "watched")
    list_select_related = ("site", "engine")
    fieldsets = (
        (None, {"fields": ["kind", "name", "site", "engine", "watched"]}),
        ("HTTPS", {"fields": ["address", "second_address", "port", "pin_pem", "ca_pem"]}),
        ("Replication", {"fields": ["rpo_seconds"]}),
        ("Account", {"fields": ["username", "new_password", "sessionless"]}),
        ("Command line of a switch", {"fields": ["ssh_port", "ssh_host_key"]}),
    )

    def save_model(self, request: HttpRequest, obj: models.Device, form: Any, change: bool) -> None:
        """Its look is planned at once."""
        super().save_model(request, obj, form, change)
        ensure(obj.engine)
