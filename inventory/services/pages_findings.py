"""Findings and transitions for their pages: filtered and ordered in SQL, stale ones as unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, CharField, F, IntegerField, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import JSONObject

from inventory.models import Finding
from inventory.services.pages_history import transitions
from inventory.services.pages_now import findings, stale

RANKS = {"fail": 3, "unknown": 2, "warn": 1, "ok": 0}


def effective(rows: QuerySet[Finding], now: datetime) -> QuerySet[Any]:
    """Adds `state` (outcome as of now) and `rank` (3 fail to 0 ok)."""
    old = stale(now)
    return rows.annotate(
        state=Case(When(old, then=Value("unknown")), default=F("outcome"), output_field=CharField()),
        rank=Case(
            When(old, then=Value(RANKS["unknown"])),
            *(When(outcome=outcome, then=Value(rank)) for outcome, rank in RANKS.items()),
            output_field=IntegerField(),
        ),
    )


def found(asked: Mapping[str, str], now: datetime) -> QuerySet[Any]:
    """asked: q, state (an outcome, or "bad" for all but ok), kind, host, probe; what is absent or "" does not
    filter."""
    rows = effective(findings(), now)
    state = asked.get("state", "")
    if state == "bad":
        rows = rows.exclude(state="ok")
    elif state:
        rows = rows.filter(state=state)
    for name, field in (("kind", "subject_kind"), ("host", "look__host__name"), ("probe", "look__probe")):
        if asked.get(name):
            rows = rows.filter(**{field: asked[name]})
    if asked.get("q"):
        rows = rows.filter(Q(sentence__icontains=asked["q"]) | Q(subject_key__icontains=asked["q"]))
    return rows


def history(asked: Mapping[str, str]) -> QuerySet[Any]:
    """The same filters over transitions; state is the new one."""
    rows = transitions()
    state = asked.get("state", "")
    if state == "bad":
        rows = rows.exclude(to_outcome="ok")
    elif state:
        rows = rows.filter(to_outcome=state)
    for name, field in (
        ("kind", "subject_kind"),
        ("key", "subject_key"),
        ("host", "host__name"),
        ("probe", "probe"),
        ("check", "check_name"),
    ):
        if asked.get(name):
            rows = rows.filter(**{field: asked[name]})
    if asked.get("q"):
        rows = rows.filter(Q(sentence__icontains=asked["q"]) | Q(subject_key__icontains=asked["q"]))
    return rows


@dataclass(frozen=True)
class Worst:
    """The finding of a row that a person must see first. state unknown and look None: nothing was looked at."""

    state: str
    sentence: str
    since: datetime | None
    at: datetime | None
    look: int | None


NOTHING = Worst("unknown", "Not looked at yet.", None, None, None)


def worst_for(now: datetime, **outer: object) -> dict[str, Subquery]:
    """Annotations `worst` (JSON) and `rank` for rows that findings speak of; outer: filters with OuterRef. For a
    queryset of hosts: worst_for(now, look__host=OuterRef("pk"))."""
    rows = effective(Finding.objects.filter(**outer), now).order_by("-rank", "since", "pk")
    seen = JSONObject(
        state="state",
        outcome="outcome",
        sentence="sentence",
        since="since",
        at="look__at",
        look="look_id",
        probe="look__probe",
    )
    return {"worst": Subquery(rows.values(seen=seen)[:1]), "rank": Subquery(rows.values("rank")[:1])}


def worst_of(seen: dict[str, Any] | None) -> Worst:
    """What `worst_for` brought, for a template."""
    if seen is None:
        return NOTHING
    sentence = seen["sentence"]
    if seen["state"] != seen["outcome"]:
        sentence = f"Not known: the look {seen['probe']} is too old. It said: {sentence}"
    since, at = seen["since"], seen["at"]
    return Worst(
        seen["state"], sentence, datetime.fromisoformat(since), at and datetime.fromisoformat(at), seen["look"]
    )
