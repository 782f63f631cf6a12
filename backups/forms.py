"""What people decide about backups, as forms. Durations are asked in hours or minutes and kept in seconds; secrets go
in and never come back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar
from zoneinfo import available_timezones

from django import forms
from django.core.exceptions import ValidationError

from backups.catalog import names
from backups.catalog.parts import LABELS, NAMES
from backups.models import Destination, Policy
from backups.services import schedule
from portal.connectors import heartbeat
from portal.kernel.secret import Secret

if TYPE_CHECKING:
    PolicyModelForm = forms.ModelForm[Policy]
else:
    PolicyModelForm = forms.ModelForm

HOUR, MINUTE, MIB = 3600, 60, 1024 * 1024
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WEEKLY = re.compile(r"([A-Za-z, -]+?)\s+(\d{1,2}:\d{2})\s*(?:-|to)\s*(\d{1,2}:\d{2})")
_ONCE = re.compile(r"(\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2})\s*(?:-|to)\s*(\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2})")
SCOPES = [(NAMES[part].scope, LABELS[part]) for part in NAMES]
# form field -> (column, unit)
UNITS = {
    "catch_up_hours": ("catch_up", HOUR),
    "timeout_minutes": ("timeout", MINUTE),
    "rehearse_hours": ("rehearse_every", HOUR),
    "rpo_hours": ("rpo", HOUR),
    "max_age_hours": ("max_age", HOUR),
    "min_size_mib": ("min_size", MIB),
}
GROUPS = (
    ("What and when", ("name", "engine", "cron", "zone", "blackouts_text", "catch_up_hours")),
    ("On the engine VM", ("scope", "directory", "tmp_directory", "timeout_minutes", "engine_keep")),
    ("Copies", ("destinations",)),
    ("Retention", ("retention", "count", "days", "weeks", "months", "years", "minimum_redundancy", "delete_obsolete")),
    ("Proof and alarms", ("rehearse_hours", "rpo_hours", "max_age_hours", "min_size_mib")),
    ("Heartbeat to a watcher outside", ("new_heartbeat_url", "no_heartbeat")),
)


def _whole(label: str, least: int, most: int, hint: str = "") -> Any:
    return forms.IntegerField(label=label, min_value=least, max_value=most, help_text=hint)


class PolicyForm(PolicyModelForm):
    """How one engine is backed up."""

    blackouts_text = forms.CharField(
        label="Blackouts",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text="One window a line, in the policy's zone: Mon,Tue 22:00-04:00 every week, or "
        "2026-11-22 22:00 to 2026-11-23 04:00 once. No backup starts inside of one.",
    )
    scope = forms.MultipleChoiceField(
        required=False,
        choices=SCOPES,
        widget=forms.CheckboxSelectMultiple,
        help_text="None ticked: everything that the engine has.",
    )
    catch_up_hours = _whole("Catch up a missed start for, hours", 0, 720, "0: a missed start is not caught up.")
    timeout_minutes = _whole("Time limit, minutes", 1, 1440)
    rehearse_hours = _whole("Rehearse a restore every, hours", 0, 8760, "0: every backup.")
    rpo_hours = _whole("Objective, hours", 1, 8760, "How much may be lost (RPO).")
    max_age_hours = _whole("Alarm when the newest is older than, hours", 1, 8760)
    min_size_mib = _whole("Refuse an archive smaller than, MiB", 0, 1_000_000)
    new_heartbeat_url = forms.CharField(
        label="Heartbeat URL",
        required=False,
        max_length=500,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="https://..., as healthchecks.io gives it. It is a secret: empty keeps what is stored.",
    )
    no_heartbeat = forms.BooleanField(label="Forget the heartbeat URL", required=False)

    class Meta:
        model = Policy
        fields: ClassVar = [
            *("name", "engine", "cron", "zone", "directory", "tmp_directory", "engine_keep", "destinations"),
            *("retention", "count", "days", "weeks", "months", "years", "minimum_redundancy", "delete_obsolete"),
        ]
        labels: ClassVar = {
            "cron": "Schedule (cron)",
            "zone": "Time zone of the schedule",
            "directory": "Folder of the archives",
            "tmp_directory": "Temporary folder",
            "engine_keep": "Archives that stay on the engine VM",
            "count": "n of the rule",
            "minimum_redundancy": "Proven backups that always stay",
            "delete_obsolete": "Delete obsolete backups by itself",
        }
        help_texts: ClassVar = {
            "tmp_directory": "Room for all dumps and files, unpacked. Empty: engine-backup's own choice.",
            "engine_keep": "They are not encrypted there.",
            "count": "Of REDUNDANCY n and RECOVERY WINDOW OF n DAYS.",
            "days": "The five generations count for grandfather, father, son only.",
            "delete_obsolete": "Not ticked: only a person starts a deletion.",
        }
        widgets: ClassVar = {"destinations": forms.CheckboxSelectMultiple}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        policy = self.instance
        self.fields["name"].widget.attrs["autocomplete"] = "off"
        self.fields["tmp_directory"].required = False
        zones = sorted(zone for zone in available_timezones() if "/" in zone or zone == "UTC")
        self.fields["zone"] = forms.ChoiceField(
            label="Time zone of the schedule", choices=[(zone, zone) for zone in zones], initial=policy.zone
        )
        places = Destination.objects.filter(enabled=True).exclude(kind=Destination.Kind.VAULT)
        self.fields["destinations"].queryset = places.order_by("name")  # type: ignore[attr-defined]
        self.fields["destinations"].help_text = "Beside the vault, which always holds one."
        for field, (column, unit) in UNITS.items():
            self.initial.setdefault(field, getattr(policy, column) // unit)
        self.initial.setdefault("scope", policy.scope)
        self.initial.setdefault("blackouts_text", "\n".join(window_text(row) for row in policy.blackouts))

    @property
    def groups(self) -> list[tuple[str, list[Any]]]:
        """The fields under their headings."""
        return [(title, [self[name] for name in fields]) for title, fields in GROUPS]

    def clean_directory(self) -> str:
        """An absolute folder."""
        return _folder(self.cleaned_data["directory"])

    def clean_tmp_directory(self) -> str:
        """An absolute folder, or none."""
        given: str = self.cleaned_data["tmp_directory"]
        return _folder(given) if given else ""

    def clean_blackouts_text(self) -> list[dict[str, Any]]:
        """The windows as they are stored."""
        return windows(self.cleaned_data["blackouts_text"])

    def clean_new_heartbeat_url(self) -> str:
        """An http(s) URL; what was typed is not repeated."""
        given: str = self.cleaned_data["new_heartbeat_url"].strip()
        if given and (wrong := heartbeat.problem(given)):
            raise ValidationError(wrong)
        return given

    def clean(self) -> dict[str, Any]:
        """The schedule as a whole, and a retention that keeps something."""
        given = super().clean() or self.cleaned_data
        trial = Policy(
            cron=given.get("cron", ""),
            zone=given.get("zone", "UTC"),
            blackouts=given.get("blackouts_text") or [],
            name=given.get("name", ""),
        )
        if "cron" in given and (wrong := schedule.problem(trial)):
            self.add_error("cron", wrong)
        one_line(self, "name")
        kept = sum(given.get(name) or 0 for name in ("days", "weeks", "months", "years"))
        if given.get("retention") == Policy.Retention.GENERATIONS and not kept:
            self.add_error("days", "A rule that keeps nothing is refused: keep at least one generation.")
        if given.get("retention") != Policy.Retention.GENERATIONS and given.get("count") == 0:
            self.add_error("count", "A rule that keeps nothing is refused: n is at least 1.")
        if given.get("minimum_redundancy") == 0:
            self.add_error("minimum_redundancy", "The newest proven backup always stays: at least 1.")
        return given

    def apply(self) -> Policy:
        """The policy with everything that was given, not saved."""
        given, policy = self.cleaned_data, self.instance
        for field, (column, unit) in UNITS.items():
            setattr(policy, column, given[field] * unit)
        policy.scope, policy.blackouts = given["scope"], given["blackouts_text"]
        if given["new_heartbeat_url"]:
            policy.heartbeat_url = Secret(given["new_heartbeat_url"])
        elif given["no_heartbeat"]:
            policy.heartbeat_url = Secret("")
        return policy


def one_line(form: forms.BaseForm, *names: str) -> None:
    """Refuses line breaks and other control characters in the fields: they go into sentences, logs and file names."""
    for name in names:
        given = form.cleaned_data.get(name) or ""
        if isinstance(given, str) and not given.isprintable():
            form.add_error(name, f"{form.fields[name].label} must be one line without control characters.")


def _folder(given: str) -> str:
    if wrong := names.directory_problem(given):
        raise ValidationError(wrong)
    return given


def windows(text: str) -> list[dict[str, Any]]:
    """The lines of the blackouts field as they are stored. Raises ValidationError that names the line."""
    found: list[dict[str, Any]] = []
    for line in (each.strip() for each in text.splitlines()):
        if not line:
            continue
        once, weekly = _ONCE.fullmatch(line), _WEEKLY.fullmatch(line)
        if once:
            found.append({"begins": once[1].replace(" ", "T"), "ends": once[2].replace(" ", "T")})
        elif weekly:
            found.append({"days": _days(weekly[1], line), "begins": _time(weekly[2]), "ends": _time(weekly[3])})
        else:
            raise ValidationError(f"This line is no window: {line[:60]}. Write it as Mon,Tue 22:00-04:00.")
    return found


def _time(text: str) -> str:
    return text.zfill(5)


def _days(text: str, line: str) -> list[int]:
    days: set[int] = set()
    for word in text.replace(" ", "").split(","):
        ends = [each[:3].capitalize() for each in word.split("-")]
        if not word or len(ends) > 2 or any(each not in DAYS for each in ends):
            raise ValidationError(f"{line[:60]} names a day that is none: Mon, Tue, Wed, Thu, Fri, Sat, Sun.")
        first, last = DAYS.index(ends[0]), DAYS.index(ends[-1])
        days |= {(first + step) % 7 for step in range((last - first) % 7 + 1)}
    return sorted(days)


def window_text(row: Any) -> str:
    """One stored window as its line."""
    if not isinstance(row, dict):
        return str(row)
    if "days" in row:
        return f"{','.join(DAYS[int(day)] for day in row['days'])} {row.get('begins')}-{row.get('ends')}"
    return f"{str(row.get('begins')).replace('T', ' ')} to {str(row.get('ends')).replace('T', ' ')}"
