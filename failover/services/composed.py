"""Plans that people compose: saved in versions that never change, found by name and version, retired, never deleted.
Each save and each retirement is a record in the evidence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from failover.catalog.traits import kind
from failover.models import ComposedPlan, PlanVersion, Readiness, Schedule
from failover.plans_composed import PREFIX, composed, fingerprint, problems, tidied
from inventory.templatetags.holdfast import full
from portal.evidence import services as evidence
from portal.kernel.plan import Plan
from portal.runs.registry import UnknownPlan, plan_named
from portal.runs.services import Refused
from portal.runs.services.refused import recorded

LONGEST = 500  # characters of a reason
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{1,38})[a-z0-9]")


def plan_of(name: str, version: int | None) -> Plan | None:
    """What portal.runs asks for a plan that is not in code (settings.HOLDFAST_PLANS). version None: the newest one of a
    plan in use. None when the name is no composed plan's. Raises UnknownPlan."""
    if not name.startswith(PREFIX):
        return None
    rows = PlanVersion.objects.filter(plan__name=name).select_related("plan").order_by("-number")
    row = (rows if version is None else rows.filter(number=version)).first()
    if row is None:
        raise UnknownPlan(f"There is no plan {name!r}{f' of version {version}' if version is not None else ''}.")
    if version is None and row.plan.retired_at is not None:
        words = f"The plan {row.title} ({name}) was retired by {row.plan.retired_by} at {full(row.plan.retired_at)}"
        raise UnknownPlan(f"{words}: no new drill uses it.")
    return made(row)


def made(row: PlanVersion) -> Plan:
    """A version as a plan. Raises UnknownPlan when it needs a step that is not installed any more."""
    try:
        return composed(row.plan.name, row.number, row.title, row.steps)
    except (KeyError, TypeError, ValueError):
        words = f"Version {row.number} of {row.title} holds a step that this Holdfast does not have"
        raise UnknownPlan(f"{words}: save a new version of the plan.") from None


def newest() -> list[PlanVersion]:
    """The newest version of every plan in use, by name. One query."""
    rows = PlanVersion.objects.filter(plan__retired_at=None).order_by("plan_id", "-number").distinct("plan_id")
    return sorted(rows.select_related("plan"), key=lambda row: row.plan.name)


def in_use() -> list[Plan]:
    """Those that a drill can be asked of, by name. One query."""
    found = []
    for row in newest():
        try:
            found.append(made(row))
        except UnknownPlan:
            continue  # its page says why
    return found


def kind_of(name: str, version: int | None = None) -> str:
    """The built-in plan whose rules a plan goes by: its own name for a built-in one. Raises UnknownPlan."""
    return kind(step.name for step in plan_named(name, version).steps) if name.startswith(PREFIX) else name


def check(title: str, entries: Iterable[Any]) -> tuple[str, ...]:
    """Every reason why this is no safe plan; nothing is saved."""
    return problems(" ".join(title.split()), [tidied(each) for each in entries])


def create(slug: str, title: str, entries: Sequence[Any], by: str, why: str = "") -> PlanVersion:
    """A new plan in its first version. slug: what follows custom- in its name. Raises Refused with every reason."""
    slug = slug.strip().lower().removeprefix(PREFIX)
    asked = {"plan": f"{PREFIX}{slug}"[:60], "title": title}
    try:
        if not _SLUG.fullmatch(slug):
            words = f"{slug[:40]!r} is no name for a plan"
            raise Refused("parameters", f"{words}: it is 3 to 40 small letters, digits and hyphens between them.")
        content = _content(title, entries)
        with transaction.atomic():
            plan = ComposedPlan.objects.create(name=f"{PREFIX}{slug}", made_by=by, made_at=timezone.now())
            return _save(plan, 1, content, by, why)
    except IntegrityError:
        taken = Refused("state", f"There is a plan {PREFIX}{slug} already: edit it, or choose another name.")
        raise recorded(taken, by, _subject(f"{PREFIX}{slug}"), asked) from None
    except Refused as refusal:
        raise recorded(refusal, by, _subject(f"{PREFIX}{slug}"[:60]), asked) from None


def edit(name: str, based_on: int, title: str, entries: Sequence[Any], by: str, why: str) -> PlanVersion:
    """The next version; the ones before stay as they are. based_on: the version that the editor saw; another edit
    meanwhile refuses. The same content gives the version that is there. Raises Refused, ComposedPlan.DoesNotExist."""
    asked = {"plan": name, "based_on": based_on, "title": title}
    try:
        content = _content(title, entries)
        with transaction.atomic():
            plan = ComposedPlan.objects.select_for_update().get(name=name)
            last = plan.versions.latest("number")
            if plan.retired_at is not None:
                raise Refused("state", f"{name} was retired by {plan.retired_by}: compose a new plan instead.")
            if last.number != based_on:
                words = f"{last.by} has saved version {last.number} meanwhile, and you changed version {based_on}"
                raise Refused("changed", f"{words}: read it first. Nothing was saved.")
            if last.sha256 == fingerprint(**content):
                return last
            if not why.strip():
                raise Refused("parameters", "Say why the plan is changed: approvers read it.")
            return _save(plan, last.number + 1, content, by, why)
    except Refused as refusal:
        raise recorded(refusal, by, _subject(name), asked) from None


def retire(name: str, by: str, why: str) -> ComposedPlan:
    """No new drill uses it from now on; drills and runs of it stay readable, and one that was asked for already can
    still run. Raises Refused, ComposedPlan.DoesNotExist."""
    why = " ".join(why.split())[:LONGEST]
    try:
        with transaction.atomic():
            plan = ComposedPlan.objects.select_for_update().get(name=name)
            if plan.retired_at is not None:
                raise Refused("state", f"{name} was retired by {plan.retired_by} already.")
            if not why:
                raise Refused("parameters", "Say why the plan is retired.")
            if (held := Schedule.objects.filter(plan=name, enabled=True).select_related("engine").first()) is not None:
                words = f"A schedule of {held.engine} still proposes drills of {name}"
                raise Refused("state", f"{words}: switch it off or give it another plan first.")
            plan.retired_by, plan.retired_at, plan.retired_why = by, timezone.now(), why
            plan.save(update_fields=["retired_by", "retired_at", "retired_why"])
            evidence.append("drill_plan.retired", by, _subject(name), {"why": why})
            return plan
    except Refused as refusal:
        raise recorded(refusal, by, _subject(name), {"plan": name, "wish": "retire"}) from None


def _content(title: str, entries: Sequence[Any]) -> dict[str, Any]:
    """Title and steps as they are kept. Raises Refused with every reason why they are no safe plan."""
    title, kept = " ".join(title.split()), [tidied(each) for each in entries]
    if wrong := problems(title, kept):
        raise Refused("parameters", *wrong)
    return {"title": title, "entries": kept}


def _save(plan: ComposedPlan, number: int, content: Mapping[str, Any], by: str, why: str) -> PlanVersion:
    row = PlanVersion.objects.create(
        plan=plan,
        number=number,
        title=content["title"],
        steps=content["entries"],
        sha256=fingerprint(**content),
        why=" ".join(why.split())[:LONGEST],
        by=by,
        at=timezone.now(),
    )
    like = kind(step.name for step in made(row).steps)
    Readiness.objects.filter(plan=plan.name).delete()  # it was looked at by the rules of another version
    Schedule.objects.filter(plan=plan.name).update(kind=like)
    body = {"version": number, "title": row.title, "steps": row.steps, "sha256": row.sha256, "why": row.why}
    evidence.append("drill_plan.saved", by, _subject(plan.name), {**body, "like": like})
    return row


def _subject(name: str) -> str:
    """How the evidence names a plan."""
    return f"drill-plan:{name}"
