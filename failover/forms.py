"""What people say of drills, as forms. Objectives are given before the start and stand from then on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from failover.models import Service
from failover.services.pages_plans import asked
from failover.services.probing import ENGINE
from inventory.models import Engine, Host
from portal.changes.picking import ChangeNumber, about
from portal.kernel.plan import Parameter, Plan

GIVEN = "p_"  # begins the name of a field that is a parameter of the plan
HOST_KEYS = ("on", "to")  # parameters that name a host of the pair
CHOICES = {"how": [("person", "a person does"), ("fence", "the engine fences it")]}
LONG = timedelta(hours=4)
RTO = 300  # seconds


def moment(label: str, hint: str = "") -> Any:
    """A field for a date and a time of the portal's zone."""
    return forms.DateTimeField(
        label=label,
        help_text=hint,
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )


class DrillForm(forms.Form):
    """A drill of one plan on one engine."""

    begins = moment("Window begins", "Nothing acts before.")
    ends = moment("Window ends", "No further step begins after. The drill and its way back must fit.")
    change = ChangeNumber(help_text="As in the change system; name:number where it is not told by its look.")
    scenario = forms.CharField(widget=forms.Textarea(attrs={"rows": 2}), required=False, max_length=2000)
    assumptions = forms.CharField(widget=forms.Textarea(attrs={"rows": 2}), required=False, max_length=2000)
    people = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}),
        required=False,
        help_text="One a line: name, role. Those with an account and an address get mail before it begins.",
    )
    announced = forms.BooleanField(label="Announced to the people", required=False, initial=True)

    def __init__(self, *args: Any, engine: Engine, plan: Plan, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.engine, self.plan = engine, plan
        self.fields |= parameter_fields(plan, engine)
        self.services: list[Service] = list(Service.objects.filter(engine=engine).order_by("name"))
        self.fields["rto"] = _seconds("Engine answers again within, seconds", RTO)
        for one in self.services:
            self.fields[f"rto_{one.pk}"] = _seconds(f"{one.name} answers again within, seconds", one.objective)
        self.fields["rpo"] = _seconds("Newest proven backup not older than, seconds", None)
        now = timezone.localtime()
        self.initial.setdefault("begins", now.replace(second=0, microsecond=0))
        self.initial.setdefault("ends", (now + LONG).replace(second=0, microsecond=0))
        about(self, f"she:{engine.pk}")

    @property
    def groups(self) -> Iterator[tuple[str, list[Any]]]:
        """Titles with their fields."""
        if own := [self[name] for name in self.fields if name.startswith(GIVEN)]:
            yield "What is done", own
        names = ["rto", *(f"rto_{one.pk}" for one in self.services), "rpo"]
        yield "Objectives, fixed before the start", [self[name] for name in names]
        yield "When, and by which authority", [self[name] for name in ("begins", "ends", "change")]
        yield "Scenario and people", [self[name] for name in ("scenario", "assumptions", "people", "announced")]

    def clean(self) -> dict[str, Any]:
        """Begin before end, end ahead."""
        given: dict[str, Any] = super().clean() or {}
        begins, ends = given.get("begins"), given.get("ends")
        if begins and ends and ends <= begins:
            self.add_error("ends", "The window ends before it begins.")
        elif ends and ends <= timezone.now():
            self.add_error("ends", "The window has ended already.")
        return given

    def parameters(self) -> dict[str, Any]:
        """As the plan takes them; what is left out the portal fills in."""
        return parameters(self.plan, self.cleaned_data)

    def objectives(self) -> list[dict[str, Any]]:
        """Those that were given."""
        given = self.cleaned_data
        found = []
        if given.get("rto"):
            found.append(_objective("rto", "Engine answers again", "rto", ENGINE, given["rto"]))
        for one in self.services:
            if seconds := given.get(f"rto_{one.pk}"):
                found.append(_objective(f"rto-{one.pk}", f"{one.name} answers again", "rto", one.name, seconds))
        if given.get("rpo"):
            found.append(_objective("rpo", "Newest proven backup is young enough", "rpo", "", given["rpo"]))
        return found

    def named(self) -> list[dict[str, Any]]:
        """The people, each with a role."""
        lines = [line.partition(",") for line in self.cleaned_data["people"].splitlines() if line.strip()]
        return [{"name": name.strip(), "role": role.strip() or "involved", "present": None} for name, _, role in lines]

    @property
    def window(self) -> tuple[datetime, datetime]:
        """Begin and end."""
        return self.cleaned_data["begins"], self.cleaned_data["ends"]


def _objective(key: str, title: str, kind: str, service: str, seconds: int) -> dict[str, Any]:
    return {"key": key, "title": title, "kind": kind, "service": service, "seconds": seconds}


def _seconds(label: str, initial: int | None) -> Any:
    hint = "Empty: no objective."
    most = 10_000_000
    return forms.IntegerField(label=label, required=False, min_value=1, max_value=most, initial=initial, help_text=hint)


def parameter_fields(plan: Plan, engine: Engine) -> dict[str, Any]:
    """The fields of what a person gives to a plan, by name of the field."""
    return {f"{GIVEN}{each.name}": _field(each, engine) for each in asked(plan)}


def parameters(plan: Plan, cleaned: Mapping[str, Any]) -> dict[str, Any]:
    """What a valid form gives, as the plan takes it; what is left out the portal fills in."""
    given = {each.name: _value(each, cleaned[f"{GIVEN}{each.name}"]) for each in asked(plan)}
    return {name: value for name, value in given.items() if value is not None}


def _field(each: Parameter, engine: Engine) -> Any:
    if each.kind is bool:
        return forms.BooleanField(label=each.title, required=False, initial=bool(each.default))
    if each.kind is int and each.name in HOST_KEYS:
        rows = Host.objects.filter(engine=engine, gone_since=None, he_host_id__isnull=False).order_by("he_host_id")
        nobody = ("", "the portal chooses: the engine's host, or the other one")
        choices = [nobody, *((str(row.pk), row.name) for row in rows)]
        return forms.ChoiceField(label=each.title, choices=choices, required=False)
    if each.name in CHOICES:
        return forms.ChoiceField(label=each.title, choices=CHOICES[each.name], initial=each.default)
    if each.name == "questions":
        return forms.CharField(label=each.title, widget=forms.Textarea(attrs={"rows": 5}), max_length=20_000)
    kind = {int: forms.IntegerField, float: forms.FloatField}.get(each.kind, forms.CharField)
    needed = each.default is None
    return kind(label=each.title, required=needed, initial=each.default)


def _value(each: Parameter, given: Any) -> Any:
    if given in (None, ""):
        return each.default
    return each.kind(given)
