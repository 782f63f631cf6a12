"""What only people know about an engine's recovery, as a form. Custody is asked, a password never."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from backups.models import Declared
from inventory.models import Host

if TYPE_CHECKING:
    DeclaredModelForm = forms.ModelForm[Declared]
else:
    DeclaredModelForm = forms.ModelForm

MORE = 3  # empty rows for contacts
MOST = 30  # rows that are read
PARTS = ("role", "name", "reach")
LONGEST = {"role": 60, "name": 120, "reach": 200}
GROUPS = (
    ("The empty LUN for the new domain", ("spare_lun", "spare_lun_gib", "spare_array", "spare_empty", "spare_zoned")),
    ("Engine VM", ("admin_custody", "root_custody", "bridge", "vlan", "smtp")),
    ("Notes", ("notes",)),
)
_KEY = re.compile(r"PRIVATE KEY-----|AGE-SECRET-KEY-1", re.IGNORECASE)
_WWID = re.compile(r"[0-9A-Za-z._-]{8,120}")


class DeclaredForm(DeclaredModelForm):
    """One engine's recovery. Hosts are named as the engine lists them."""

    spare_empty = forms.DateField(
        label="Last seen empty on",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="The day when somebody looked: no signature, no partition.",
    )
    spare_zoned = forms.MultipleChoiceField(
        label="Zoned to", required=False, widget=forms.CheckboxSelectMultiple, help_text="The hosts that see it."
    )
    target_host = forms.ChoiceField(label="Deploy on", required=False)
    keeps_host = forms.ChoiceField(label="Keeps the databases running", required=False)
    notes = forms.CharField(
        label="Notes",
        required=False,
        max_length=400,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="At most 400 characters; they stand in the kit.",
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Declared
        fields: ClassVar = [
            *("spare_lun", "spare_lun_gib", "spare_array", "admin_custody", "root_custody"),
            *("bridge", "vlan", "smtp", "target_host", "keeps_host", "notes"),
        ]
        labels: ClassVar = {
            "spare_lun": "WWID",
            "spare_lun_gib": "Size, GiB",
            "spare_array": "Array and pool",
            "admin_custody": "Where the admin password is kept, and who may open it",
            "root_custody": "Where the engine VM's root password is kept, and who may open it",
            "bridge": "Network of the engine VM",
            "vlan": "Its VLAN",
            "smtp": "Mail server for alarms",
        }
        help_texts: ClassVar = {
            "spare_lun": "A LUN of 75 GiB or more that holds nothing. Never the one that the engine VM lies on.",
            "admin_custody": "The place, never the password. Such as: password safe, entry olvm/admin.",
            "root_custody": "The place, never the password.",
            "bridge": "Empty: as hosted-engine.conf says.",
            "vlan": "0: untagged. Empty: as the engine says.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row = self.instance
        rows = Host.objects.filter(engine=row.engine, gone_since=None).order_by("name")
        self.hosts: list[str] = list(rows.values_list("name", flat=True))
        for name in ("target_host", "keeps_host"):
            known = dict.fromkeys([*self.hosts, *filter(None, [getattr(row, name)])])
            self.fields[name].choices = [("", "not decided"), *((one, one) for one in known)]  # type: ignore[attr-defined]
        zoned = dict.fromkeys([*self.hosts, *map(str, row.spare_zoned_to)])
        self.fields["spare_zoned"].choices = [(one, one) for one in zoned]  # type: ignore[attr-defined]
        self.fields["vlan"].max_value = 4094  # type: ignore[attr-defined]
        self.initial.update({"spare_zoned": row.spare_zoned_to, "seen": _stamp(row.at)})
        if row.spare_empty_at:
            self.initial["spare_empty"] = timezone.localtime(row.spare_empty_at).date()
        for number, name in enumerate(self.hosts):
            self.fields[f"bmc_{number}"] = forms.CharField(label=f"BMC of {name}", required=False, max_length=255)
            self.initial[f"bmc_{number}"] = row.bmc.get(name, "")
        self._add_contacts()

    def _add_contacts(self) -> None:
        kept = self.instance.contacts
        shown = min(MOST, len(kept) + MORE)
        if self.is_bound:
            shown = max(shown, sum(f"contact_{number}_role" in self.data for number in range(MOST)))
        for number in range(shown):
            for part in PARTS:
                field = forms.CharField(label=part.capitalize(), required=False, max_length=LONGEST[part])
                self.fields[f"contact_{number}_{part}"] = field
                self.initial[f"contact_{number}_{part}"] = kept[number][part] if number < len(kept) else ""
        self.shown = shown

    @property
    def groups(self) -> list[tuple[str, list[Any]]]:
        """The fields under their headings, but for contacts."""
        hosts = ("target_host", "keeps_host", *(f"bmc_{number}" for number in range(len(self.hosts))))
        plan = (*GROUPS[:2], ("Hosts on the day", hosts), GROUPS[2])
        return [(title, [self[name] for name in fields]) for title, fields in plan]

    @property
    def contacts(self) -> list[list[Any]]:
        """Rows of three fields."""
        return [[self[f"contact_{number}_{part}"] for part in PARTS] for number in range(self.shown)]

    def clean_spare_lun(self) -> str:
        """A WWID as multipath prints it."""
        given: str = self.cleaned_data["spare_lun"].strip()
        if given and not _WWID.fullmatch(given):
            raise ValidationError("This is no WWID: enter it as `multipath -ll` prints it.")
        return given

    def clean_vlan(self) -> int | None:
        """0 to 4094."""
        given: int | None = self.cleaned_data["vlan"]
        if given is not None and given > 4094:
            raise ValidationError(f"There is no VLAN {given}: the highest is 4094.")
        return given

    def clean_spare_empty(self) -> date | None:
        """Nobody has looked tomorrow."""
        given: date | None = self.cleaned_data["spare_empty"]
        if given is not None and given > timezone.localdate():
            raise ValidationError("This day has not come yet.")
        return given

    def clean(self) -> dict[str, Any]:
        """No private key anywhere, whole contacts, and nobody's newer declaration overwritten."""
        given = super().clean() or self.cleaned_data
        for name, value in list(given.items()):
            if isinstance(value, str) and _KEY.search(value):
                self.add_error(name, "A private key must not stand here: say where it is kept.")
                self.data = {**self.data.dict(), name: ""}  # type: ignore[attr-defined]
        for number in range(self.shown):
            row = [given.get(f"contact_{number}_{part}") for part in PARTS]
            if any(row) and not all(row):
                self.add_error(f"contact_{number}_role", "A contact has a role, a name and a way to be reached.")
        if given.get("target_host") and given.get("target_host") == given.get("keeps_host"):
            self.add_error("keeps_host", "The host that is deployed on is reinstalled: it cannot keep the databases.")
        if given.get("seen", "") != _stamp(self.instance.at):
            words = f"{self.instance.by} declared something else meanwhile. Open the page anew, and enter it again."
            raise ValidationError(words)
        return given

    def apply(self) -> Declared:
        """The row with everything that was given, not saved."""
        given, row = self.cleaned_data, self.instance
        day: date | None = given["spare_empty"]
        # at noon, so that no zone turns it into another day
        row.spare_empty_at = timezone.make_aware(datetime.combine(day, time(12))) if day else None
        row.spare_zoned_to = given["spare_zoned"]
        row.bmc = {name: value for number, name in enumerate(self.hosts) if (value := given[f"bmc_{number}"])}
        rows = [{part: given[f"contact_{number}_{part}"] for part in PARTS} for number in range(self.shown)]
        row.contacts = [one for one in rows if one["role"]]
        return row


def _stamp(at: datetime | None) -> str:
    return at.isoformat() if at else ""
