"""Where copies go and who can open them, as forms. Secrets go in and never come back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError

from backups.forms import one_line
from backups.models import Destination, Recipient
from inventory.services.host_keys import KeyRefusal, read_key
from portal.connectors import age
from portal.connectors.ssh_keys import new_key, public_line
from portal.kernel.secret import Secret

if TYPE_CHECKING:
    DestinationModelForm = forms.ModelForm[Destination]
    RecipientModelForm = forms.ModelForm[Recipient]
else:
    DestinationModelForm = RecipientModelForm = forms.ModelForm

HOUR = 3600
LONGEST_LOCK = 36_500  # days
KINDS = [choice for choice in Destination.Kind.choices if choice[0] != Destination.Kind.VAULT]
LOCKS = [("", "none"), ("GOVERNANCE", "GOVERNANCE"), ("COMPLIANCE", "COMPLIANCE")]
NEEDED: dict[str, tuple[str, ...]] = {
    Destination.Kind.DIRECTORY: ("path",),
    Destination.Kind.SFTP: ("host", "user", "host_key", "path"),
    Destination.Kind.S3: ("host", "bucket", "user"),
}
GROUPS = (
    ("The place", ("name", "site", "kind", "late_hours")),
    ("Where", ("path", "host", "port", "bucket", "region")),
    ("How it lets the portal in", ("user", "new_secret", "make_key", "host_key", "ca_pem")),
    ("Object lock (S3)", ("lock_mode", "lock_days")),
)


class WriteOnly(forms.Textarea):
    """Shows nothing, not even what was just refused."""

    def format_value(self, value: Any) -> str:
        """Nothing."""
        return ""


class DestinationForm(DestinationModelForm):
    """A place for encrypted copies."""

    late_hours = forms.IntegerField(label="Late when the newest copy is older than, hours", min_value=1, max_value=8760)
    lock_mode = forms.ChoiceField(label="Lock", choices=LOCKS, required=False)
    new_secret = forms.CharField(
        label="Private key or secret key",
        required=False,
        strip=False,
        widget=WriteOnly(attrs={"rows": 3, "autocomplete": "off", "spellcheck": "false"}),
        help_text="SFTP: an unencrypted private key, PEM. S3: the secret key. Empty keeps what is stored.",
    )
    make_key = forms.BooleanField(
        label="Make a new SSH key",
        required=False,
        help_text="SFTP only: an ed25519 key; its public half then stands on the destinations' page.",
    )

    class Meta:
        model = Destination
        fields: ClassVar = [
            *("name", "site", "kind", "path", "host", "port", "user", "host_key", "bucket", "region", "ca_pem"),
            *("lock_mode", "lock_days"),
        ]
        labels: ClassVar = {
            "host": "Host, or the S3 endpoint's URL",
            "user": "Account, or the S3 access key",
            "host_key": "Host key",
            "ca_pem": "CA of the endpoint",
            "lock_days": "Locked for, days",
            "path": "Folder, or the prefix in the bucket",
        }
        help_texts: ClassVar = {
            "name": "As the catalog shows it: PROD, DR.",
            "host_key": "SFTP: one line of /etc/ssh/ssh_host_ed25519_key.pub there, compared by you.",
            "ca_pem": "PEM. Empty: the system's CAs.",
            "lock_days": "0: the bucket's own rule.",
        }
        widgets: ClassVar = {
            "host_key": forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
            "ca_pem": forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("late_hours", self.instance.late_after // HOUR)
        kind = self.fields["kind"]
        kind.choices = KINDS  # type: ignore[attr-defined]
        if self.instance.pk:  # another kind of place is another place
            kind.disabled = True

    @property
    def groups(self) -> list[tuple[str, list[Any]]]:
        """The fields under their headings."""
        return [(title, [self[name] for name in fields]) for title, fields in GROUPS]

    def clean_host_key(self) -> str:
        """The line without its comment."""
        given: str = self.cleaned_data["host_key"].strip()
        try:
            return read_key(given) if given else ""
        except KeyRefusal as refusal:
            raise ValidationError(str(refusal)) from None

    def clean_lock_days(self) -> int:
        """Not past the end of the calendar, nor of the archive's use."""
        given: int = self.cleaned_data["lock_days"]
        if given > LONGEST_LOCK:
            raise ValidationError(f"A lock of more than {LONGEST_LOCK} days is refused: nobody could take it back.")
        return given

    def clean(self) -> dict[str, Any]:
        """What each kind of place cannot do without."""
        given = super().clean() or self.cleaned_data
        kind = given.get("kind") or self.instance.kind
        one_line(self, "name", "path", "host", "user", "bucket", "region")
        if not 1 <= (given.get("port") or 22) <= 65535:
            self.add_error("port", "A port is a number from 1 to 65535.")
        for name in NEEDED.get(kind, ()):
            if name not in self.errors and not given.get(name):
                self.add_error(name, f"{self.fields[name].label} must be given for {Destination.Kind(kind).label}.")
        path, host = given.get("path") or "", given.get("host") or ""
        if kind != Destination.Kind.S3 and path and not path.startswith("/"):
            self.add_error("path", "The folder must be an absolute path.")
        if kind == Destination.Kind.S3 and host and not _is_endpoint(host):
            self.add_error("host", "The endpoint is a URL that begins with https:// or http:// and names a host.")
        if kind == Destination.Kind.SFTP and (key := given.get("new_secret")) and not given.get("make_key"):
            self._readable(key)
        secret = self.instance.secret or given.get("new_secret") or given.get("make_key")
        if kind in (Destination.Kind.SFTP, Destination.Kind.S3) and not secret:
            self.add_error("new_secret", "Without a secret the place lets nobody in: enter one, or make a key.")
        return given

    def _readable(self, key: str) -> None:
        try:
            public_line(Secret(key))
        except ValueError as error:
            self.add_error("new_secret", str(error))

    def apply(self) -> Destination:
        """The destination with everything that was given, not saved."""
        given, place = self.cleaned_data, self.instance
        place.late_after = given["late_hours"] * HOUR
        if given["make_key"] and place.kind == Destination.Kind.SFTP:
            place.secret = new_key()[0]
        elif given["new_secret"]:
            place.secret = Secret(given["new_secret"])
        return place


def _is_endpoint(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("https", "http") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port or an IPv6 address that is none
        return False


class RecipientForm(RecipientModelForm):
    """A custodian for whom every copy is encrypted from now on."""

    class Meta:
        model = Recipient
        fields: ClassVar = ["name", "public_key", "custody"]
        labels: ClassVar = {"public_key": "Public key", "custody": "Where the private half is kept"}
        help_texts: ClassVar = {
            "public_key": "One line: age1..., or ssh-ed25519 .... Never a private key.",
            "custody": "Such as: sealed envelope 12, safe of the DBA team, two keys.",
        }
        widgets: ClassVar = {"public_key": forms.Textarea(attrs={"rows": 2, "spellcheck": "false"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["custody"].required = True

    def clean(self) -> dict[str, Any]:
        """One-line names."""
        given = super().clean() or self.cleaned_data
        one_line(self, "name", "custody")
        return given

    def clean_public_key(self) -> str:
        """A line that files can be sealed for. A private key is refused and not shown again."""
        given: str = " ".join(self.cleaned_data["public_key"].split())
        if wrong := age.problem(given):
            if "PRIVATE" in given.upper() or "SECRET" in given.upper():
                self.data = {**self.data.dict(), "public_key": ""}  # type: ignore[attr-defined]
            raise ValidationError(wrong)
        return given
