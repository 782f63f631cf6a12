"""The estate in Django's admin: what people declare can be changed, what the engine says can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from inventory import admin_devices, models
from inventory.services.host_keys import KeyRefusal, read_key
from inventory.services.sga_text import read_sgas, sga_lines
from inventory.services.watch import ensure
from portal.access.guarded import Guarded
from portal.connectors.ssh_keys import fingerprint, new_key, public_line
from portal.kernel.secret import Secret

if TYPE_CHECKING:
    EngineModelForm = forms.ModelForm[models.Engine]
    OracleModelForm = forms.ModelForm[models.OracleVm]
else:
    EngineModelForm = OracleModelForm = forms.ModelForm


__all__ = ["admin_devices"]  # Django looks for this module only


@admin.register(models.Site)
class SiteAdmin(Guarded):
    """Places."""

    change = "estate.manage"
    adds = deletes = True
    list_display = ("name", "role")


class WriteOnly(forms.Textarea):
    """Shows nothing, not even what was just refused."""

    def format_value(self, value: Any) -> str:
        """Nothing."""
        return ""


class EngineForm(EngineModelForm):
    """Secrets go in and never come back: an empty field keeps what is stored."""

    url = forms.URLField(
        max_length=300,
        assume_scheme="https",
        help_text="https://.../ovirt-engine/api",
        widget=forms.URLInput(attrs={"size": 60}),
    )
    new_password = forms.CharField(
        required=False, strip=False, label="Password", widget=forms.PasswordInput(attrs={"autocomplete": "off"})
    )
    new_ssh_key = forms.CharField(
        required=False,
        label="SSH private key",
        widget=WriteOnly(attrs={"rows": 4, "autocomplete": "off", "spellcheck": "false"}),
        help_text="Unencrypted PEM. Empty keeps the stored one.",
    )
    make_ssh_key = forms.BooleanField(
        required=False,
        label="Make a new SSH key",
        help_text="An ed25519 key; the stored one is forgotten. Add its public half to authorized_keys on each host.",
    )

    class Meta:
        model = models.Engine
        fields: ClassVar = [
            *("site", "name", "url", "username", "ca_pem", "ssh_user", "watched"),
            *("vm_address", "vm_port", "vm_user", "vm_host_key"),
        ]
        help_texts: ClassVar = {
            "vm_address": "Where engine-backup runs. Empty: the host in the URL.",
            "vm_user": "Empty: the account for the hosts. engine-backup needs root, or sudo.",
            "vm_host_key": "One line of /etc/ssh/ssh_host_ed25519_key.pub on the engine VM, compared by you. "
            "After a rebuilt engine it is pinned anew here, deliberately.",
        }

    def clean_vm_host_key(self) -> str:
        """ "type base64", or empty: then the engine VM is not spoken to."""
        try:
            line = str(self.cleaned_data["vm_host_key"]).strip()
            return read_key(line) if line else ""
        except KeyRefusal as error:
            raise forms.ValidationError(str(error)) from None

    def clean_url(self) -> str:
        """The engine is only spoken to over TLS, and at its API's own address, whatever page it was copied from."""
        url = str(self.cleaned_data["url"]).rstrip("/").removesuffix("/v4")
        if not url.startswith("https://"):
            raise forms.ValidationError("The URL begins with https://.")
        if not url.endswith("/ovirt-engine/api"):
            raise forms.ValidationError("The URL ends in /ovirt-engine/api.")
        return url

    def clean_new_password(self) -> Secret:
        """Needed once."""
        secret = Secret(self.cleaned_data["new_password"])
        if not secret and not self.instance.pk:
            raise forms.ValidationError("A new engine needs a password.")
        return secret

    def clean_new_ssh_key(self) -> tuple[Secret, str] | None:
        """(private, public line), when there is one. The message says nothing of its content."""
        pem = self.cleaned_data["new_ssh_key"].strip()
        if not pem:
            return None
        try:
            secret = Secret(pem + "\n")
            return secret, public_line(secret)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None

    def save(self, commit: bool = True) -> models.Engine:
        """Puts the new secrets where they are sealed."""
        engine = self.instance
        if self.cleaned_data["new_password"]:
            engine.password = self.cleaned_data["new_password"]
        pair = new_key() if self.cleaned_data["make_ssh_key"] else self.cleaned_data["new_ssh_key"]
        if pair:
            engine.ssh_private_key, engine.ssh_public_key = pair
        return super().save(commit)


@admin.register(models.Engine)
class EngineAdmin(Guarded):
    """Engines and how to reach them and their hosts."""

    change = "estate.manage"
    adds = True
    form = EngineForm
    list_display = ("name", "site", "url", "watched", "version")
    list_select_related = ("site",)
    seen = ("ssh_public_key", "instance_id", "product", "version", "last_event_id")
    readonly_fields = seen
    fieldsets = (
        (None, {"fields": ["site", "name", "url", "watched"]}),
        ("Engine login", {"fields": ["username", "new_password", "ca_pem"]}),
        ("SSH to the hosts", {"fields": ["ssh_user", "ssh_public_key", "new_ssh_key", "make_ssh_key"]}),
        ("SSH to the engine VM", {"fields": ["vm_address", "vm_port", "vm_user", "vm_host_key"]}),
        ("Seen", {"fields": ["instance_id", "product", "version", "last_event_id"]}),
    )


class Seen(Guarded):
    """What the engine said: to read."""

    list_display: tuple[str, ...] = ("name", "engine", "uuid", "gone_since")
    list_select_related = ("engine",)
    list_filter = ("engine",)
    search_fields = ("name", "=uuid")


@admin.register(models.Host)
class HostAdmin(Seen):
    """Hosts: three declarations; what is to do about a host key has its own page in the portal."""

    change = "estate.manage"
    list_display = ("name", "engine", "address", "status", "watched", "key_state")
    declared = ("watched", "he_host_id", "ssh_user")
    hidden: ClassVar = {"id", "pinned_key", "offered_key"}

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """The declared, the keys, then the seen."""
        return [*self.declared, "pinned", "offered", *self._seen()]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """All but the declared."""
        return ["pinned", "offered", *self._seen()]

    def _seen(self) -> list[str]:
        names = [field.name for field in models.Host._meta.concrete_fields]
        return [name for name in names if name not in self.hidden and name not in self.declared]

    @admin.display(description="host key")
    def key_state(self, host: models.Host) -> str:
        return "another key is offered" if host.offered_key else "pinned" if host.pinned_key else "none yet"

    @admin.display(description="pinned host key")
    def pinned(self, host: models.Host) -> str:
        if host.pinned_key:
            return fingerprint(host.pinned_key)
        words = "None yet: the engine's record makes one, or an administrator"
        return format_html('{} <a href="{}">pins one by hand</a>.', words, reverse("host-key", args=[host.pk]))

    @admin.display(description="offered host key")
    def offered(self, host: models.Host) -> str:
        if not host.offered_key:
            return "No other key is offered."
        link = reverse("host-key", args=[host.pk])
        recorded = host.ssh_fingerprint or "none"
        return format_html(
            '{} is offered and refused; the engine\'s record says {}. <a href="{}">Compare and accept</a>',
            fingerprint(host.offered_key),
            recorded,
            link,
        )


class OracleVmForm(OracleModelForm):
    """The SGAs are lines for a person, and numbers of bytes in the database."""

    sgas = forms.CharField(
        required=False,
        label="SGA per instance",
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text="One line per instance: its name and SGA_MAX_SIZE in bytes, or with K, M, G or T as Oracle writes "
        "it: ORCL1 64G. Empty: how many huge pages are needed is not known.",
    )

    class Meta:
        model = models.OracleVm
        fields: ClassVar = [
            *("vm", "address", "port", "ssh_user", "host_key", "asm_owner", "asm_group", "asm_mode", "watched"),
        ]
        help_texts: ClassVar = {
            "address": "Where the VM itself is reached over SSH.",
            "ssh_user": "An account without root: nothing that is asked needs it. The engine's SSH key logs in.",
            "host_key": "One line of /etc/ssh/ssh_host_ed25519_key.pub on the VM, compared by you.",
            "asm_owner": "Who the ASM disks must belong to.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("sgas", sga_lines(self.instance.instances))

    def clean_host_key(self) -> str:
        """ "type base64": without a pin a VM is not spoken to."""
        try:
            return read_key(str(self.cleaned_data["host_key"]).strip())
        except KeyRefusal as error:
            raise forms.ValidationError(str(error)) from None

    def clean_sgas(self) -> list[dict[str, Any]]:
        """Names and bytes."""
        try:
            return read_sgas(str(self.cleaned_data["sgas"]))
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None

    def save(self, commit: bool = True) -> models.OracleVm:
        """Puts the SGAs where they are stored."""
        self.instance.instances = self.cleaned_data["sgas"]
        return super().save(commit)


@admin.register(models.OracleVm)
class OracleVmAdmin(Guarded):
    """Oracle VMs: how they are read, and how large their SGAs are."""

    change = "estate.manage"
    adds = deletes = True
    form = OracleVmForm
    list_display = ("vm", "address", "ssh_user", "watched")
    list_select_related = ("vm",)
    autocomplete_fields = ("vm",)
    fieldsets = (
        (None, {"fields": ["vm", "watched", "sgas"]}),
        ("SSH", {"fields": ["address", "port", "ssh_user", "host_key"]}),
        ("ASM disks", {"fields": ["asm_owner", "asm_group", "asm_mode"]}),
    )

    def save_model(self, request: HttpRequest, obj: models.OracleVm, form: Any, change: bool) -> None:
        """Its look is planned, and due, at once."""
        super().save_model(request, obj, form, change)
        ensure(obj.vm.engine)
        models.Look.objects.filter(vm=obj.vm).update(due_at=timezone.now())

    def delete_model(self, request: HttpRequest, obj: models.OracleVm) -> None:
        """Its look goes with it."""
        super().delete_model(request, obj)
        ensure(obj.vm.engine)


@admin.register(models.DeclaredPath)
class DeclaredPathAdmin(Guarded):
    """Paths that must exist."""

    change = "estate.manage"
    adds = deletes = True
    list_display = ("host", "wwid", "hba_wwpn", "target_wwpn", "declared_at", "declared_by")
    list_select_related = ("host", "declared_by")
    list_filter = ("host",)
    search_fields = ("=wwid", "=hba_wwpn", "=target_wwpn")
    fields = ("host", "wwid", "hba_wwpn", "target_wwpn")

    def save_model(self, request: HttpRequest, obj: models.DeclaredPath, form: Any, change: bool) -> None:
        """Who declares it, and when."""
        obj.declared_at, obj.declared_by = timezone.now(), request.user  # type: ignore[assignment]
        super().save_model(request, obj, form, change)


@admin.register(models.DeclaredPort)
class DeclaredPortAdmin(Guarded):
    """Speeds that FC ports must run at."""

    change = "estate.manage"
    adds = deletes = True
    list_display = ("host", "wwpn", "gbit", "declared_at", "declared_by")
    list_select_related = ("host", "declared_by")
    list_filter = ("host",)
    search_fields = ("=wwpn",)
    fields = ("host", "wwpn", "gbit")

    def save_model(self, request: HttpRequest, obj: models.DeclaredPort, form: Any, change: bool) -> None:
        """Who declares it, and when."""
        obj.declared_at, obj.declared_by = timezone.now(), request.user  # type: ignore[assignment]
        super().save_model(request, obj, form, change)


@admin.register(models.Cluster, models.Vm, models.Lun, models.StorageDomain)
class SeenAdmin(Seen):
    """Clusters, VMs, LUNs and storage domains."""


@admin.register(models.Look)
class LookAdmin(Guarded):
    """The latest looks."""

    list_display = ("probe", "host", "device", "vm", "engine", "state", "at", "sentence")
    list_select_related = ("host", "device", "vm", "engine")
    list_filter = ("probe", "state")


@admin.register(models.Finding)
class FindingAdmin(Guarded):
    """The present findings, as stored."""

    list_display = ("outcome", "subject_kind", "subject_key", "check_name", "sentence", "since")
    list_filter = ("outcome", "check_name")


@admin.register(models.Transition)
class TransitionAdmin(Guarded):
    """How findings changed."""

    list_display = ("at", "subject_kind", "subject_key", "from_outcome", "to_outcome", "sentence")
    list_filter = ("to_outcome", "check_name")
    show_full_result_count = False
