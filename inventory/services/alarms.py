"""What looks find wrong, as alarms (settings.HOLDFAST_ALARMS). A failure is one alarm per subject and check, however
many hosts see it; what is not known is one alarm per host, device, VM or engine that was looked at. What comes and goes
is one alarm, too. What is not known any more is not over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Case, Count, DateTimeField, F, Max, Min, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.functions import Coalesce

from inventory.models import Engine, Finding, Look, Lun, Transition
from inventory.services.looks import AVAILABILITY, REACH, every
from inventory.services.pages_now import known_probes, stale
from inventory.services.proving import short
from inventory.templatetags.holdfast import full
from inventory.verdicts.alarming import concern, severity
from portal.alerts.rules.alarm import About, Alarm, Ask, Concern, Severity
from portal.kernel.freshness import allowed_age
from portal.kernel.outcome import Outcome

HOLD = 60.0  # seconds that a failure must last
UNKNOWN_HOLD = 120.0  # seconds that something must not be known
CALM = 300.0  # seconds that it must be gone
FLAPPING = timedelta(minutes=10)  # in which so many failures of one check are one alarm, however short
TIMES = 3
GAP = timedelta(seconds=60)  # without a look at the alarms, after which what came and went meanwhile is looked up
MOST = 500  # such endings that are looked at
FAIL, WARN, UNKNOWN = Outcome.FAIL.value, Outcome.WARN.value, Outcome.UNKNOWN.value
SLOW_BURN = Q(outcome=WARN, look__probe=AVAILABILITY, check_name="burn_rate")  # the one warning that people are told of


@dataclass(frozen=True)
class Thing:
    """A check of a subject of one engine."""

    engine: int
    probe: str
    check: str
    kind: str
    subject: str

    @property
    def key(self) -> str:
        """Whichever probe sees it."""
        return f"finding:{self.engine}:{self.kind}:{self.subject}:{self.check}"[:300]


Places = dict[int, tuple[str, str]]  # engine -> its name and site
Pages = dict[tuple[int, str], str]  # engine and service -> the service's page
SERVICE, SERVICES = "service", "/availability/"


def alarms(ask: Ask) -> Iterator[Alarm]:
    """A handful of queries, whatever the size of the estate."""
    places = {pk: (name, site) for pk, name, site in Engine.objects.values_list("pk", "name", "site__name")}
    failed, pages = _by_key(_failed(ask.now)), _pages()
    yield from _flapping(ask.now, places, pages)
    for rows in failed.values():
        yield _failure(rows, places, pages)
    yield from _kept(ask, failed, places, pages)
    yield from _unknown(ask.now, places, pages, _silent(failed))
    yield from _missed(ask, failed, places, pages)


def _pages() -> Pages:
    """Services as their engine's look names them (failover/services/promised.py writes it)."""
    looks = Look.objects.filter(probe=AVAILABILITY).values_list("engine", "facts__services")
    return {
        (engine, short(one["title"])): f"{SERVICES}{one['objective']}/" for engine, rows in looks for one in rows or ()
    }


def _watched(now: datetime) -> QuerySet[Finding]:
    return Finding.objects.filter(look__engine__watched=True, look__probe__in=known_probes())


def _failed(now: datetime) -> QuerySet[Any, Any]:
    """Failures that looks of now speak of; and budgets that burn slowly, which are lost in days if nobody looks."""
    lun = Lun.objects.filter(engine=OuterRef("look__engine"), uuid=OuterRef("subject_key"))
    rows = _watched(now).filter(~stale(now)).filter(Q(outcome=FAIL) | SLOW_BURN).annotate(
        engine=F("look__engine"), probe=F("look__probe"), host=F("look__host"), host_name=F("look__host__name"),
        device=F("look__device"), lun_name=Subquery(lun.values("name")[:1]), lun_pk=Subquery(lun.values("pk")[:1]),
    )  # fmt: skip
    fields = ("engine", "probe", "host", "host_name", "device", "lun_name", "lun_pk")
    return rows.order_by("since", "pk").values_list(
        *fields, "check_name", "subject_kind", "subject_key", "outcome", "sentence", "since", named=True
    )


def _thing(row: Any) -> Thing:
    return Thing(row.engine, row.probe, row.check_name, row.subject_kind, row.subject_key)


def _by_key(rows: Iterable[Any]) -> dict[str, list[Any]]:
    """The oldest first in each."""
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(_thing(row).key, []).append(row)
    return found


def _failure(rows: list[Any], places: Places, pages: Pages) -> Alarm:
    first = rows[0]
    hosts = sorted({row.host_name for row in rows if row.host_name})
    more = f" {len(hosts)} hosts see it: {', '.join(hosts[:6])}." if len(hosts) > 1 else ""
    about = _about(_thing(first), places, first.lun_name or "")
    stakes = [concern(row.probe, row.check_name, row.sentence) for row in rows]
    what = Concern.DATA_LOSS if Concern.DATA_LOSS in stakes else stakes[0]
    words = rows[stakes.index(what)].sentence
    since, link = first.since, _link(first, pages)
    grave = severity(Outcome.FAIL) if first.outcome == FAIL else Severity.WARNING
    return Alarm(_thing(first).key, grave, what, about, f"{words}{more}", since, link, HOLD, CALM)


def _about(thing: Thing, places: Places, name: str = "") -> About:
    return About(thing.kind, name or thing.subject, *places.get(thing.engine, ("", "")))


def _link(row: Any, pages: Pages) -> str:
    """The page of what it speaks of."""
    if row.subject_kind == SERVICE:
        return pages.get((row.engine, row.subject_key), SERVICES)
    if row.check_name == "trust" and row.host:
        return f"/hosts/{row.host}/key/"
    if row.subject_kind == "lun" and row.lun_pk:
        return f"/luns/{row.lun_pk}/"
    if row.device:
        return f"/devices/{row.device}/"
    if row.subject_kind == "host" and row.host:
        return f"/hosts/{row.host}/"
    return "/redundancy/" if row.probe == "redundancy" else f"/findings/?key={row.subject_key}"[:200]


def _changes(thing: Thing, pages: Pages) -> str:
    """Where its past is seen: of a service its own page, which has its outages."""
    if thing.kind == SERVICE:
        return pages.get((thing.engine, thing.subject), SERVICES)
    return f"/findings/changes/?key={thing.subject}"[:200]


def _flapping(now: datetime, places: Places, pages: Pages) -> Iterator[Alarm]:
    """What failed often in a short time: it needs no patience."""
    recent = Transition.objects.filter(at__gt=now - FLAPPING, to_outcome=FAIL, engine__watched=True)
    thing = ("engine", "probe", "check_name", "subject_kind", "subject_key")
    rows = recent.values(*thing, "host").annotate(times=Count("pk"), first=Min("at"), last=Max("at"))
    for row in rows.filter(times__gte=TIMES).order_by("first"):
        one = Thing(*(row[name] for name in thing))
        about = _about(one, places)
        span = int(FLAPPING.total_seconds() // 60)
        words = (
            f"{one.subject}: the check {one.check} failed {row['times']} times within {span} min. Look at its changes."
        )
        link = _changes(one, pages)
        what = concern(one.probe, one.check)
        yield Alarm(
            one.key, severity(Outcome.FAIL), what, about, words, row["first"], link, 0.0, CALM, came=row["last"]
        )  # fmt: skip


def _kept(ask: Ask, failed: dict[str, list[Any]], places: Places, pages: Pages) -> Iterator[Alarm]:
    """Open alerts of failures of which nobody knows now whether they hold: they go on."""
    wanted = {key for key in ask.open if key.startswith("finding:")} - set(failed)
    if not wanted:
        return
    rows = _watched(ask.now).filter(stale(ask.now) | Q(outcome=UNKNOWN))
    fields = ("look__engine", "look__probe", "check_name", "subject_kind", "subject_key", "sentence")
    for engine, probe, check, kind, subject, sentence in rows.values_list(*fields):
        thing = Thing(engine, probe, check, kind, subject)
        if thing.key in wanted:
            words = f"{subject}: whether the check {check} still fails is not known. {sentence}"
            about = _about(thing, places)
            what = concern(probe, check)
            since, link = ask.open[thing.key], _changes(thing, pages) if kind == SERVICE else "/findings/"
            yield Alarm(thing.key, severity(Outcome.FAIL), what, about, words, since, link, calm=CALM)


def _silent(failed: dict[str, list[Any]]) -> set[int]:
    """Hosts that let nobody in, which is an alarm already: what runs on them cannot be known."""
    rows = (row for rows in failed.values() for row in rows)
    return {row.host for row in rows if row.probe == REACH and row.check_name in ("answers", "trust")}


def _unknown(now: datetime, places: Places, pages: Pages, silent: set[int]) -> Iterator[Alarm]:
    """One alarm for each thing that is looked at."""
    rows = _watched(now).filter(stale(now) | Q(outcome=UNKNOWN)).exclude(look__host__in=silent).order_by()
    name = Coalesce("look__host__name", "look__device__name", "look__vm__name", "look__engine__name")
    grouped = rows.values("look__engine", "look__host", "look__device", "look__vm").annotate(
        name=name, number=Count("pk"), since=Max(_since()), probes=ArrayAgg("look__probe", distinct=True),
        services=ArrayAgg("subject_key", distinct=True),
    )  # fmt: skip
    row: dict[str, Any]
    for row in grouped:  # type: ignore[assignment]
        kind = next((kind for kind in ("host", "device", "vm") if row[f"look__{kind}"]), "engine")
        pk = row[f"look__{kind}"]
        about = About(kind, row["name"], *places.get(row["look__engine"], ("", "")))
        number, probes = row["number"], ", ".join(row["probes"][:4])
        many = f"{number} checks of {row['name']} are" if number > 1 else f"A check of {row['name']} is"
        words = f"{many} not known since {full(row['since'])} ({probes}): open it and read why."
        link = {"host": f"/hosts/{pk}/", "device": f"/devices/{pk}/", "vm": f"/vms/{pk}/"}.get(kind, "/engine/")
        if row["probes"] == [AVAILABILITY]:
            link = pages.get((pk, row["services"][0]), SERVICES) if len(row["services"]) == 1 else SERVICES
        yield Alarm(
            f"unknown:{kind}:{pk}", Severity.WARNING, Concern.AVAILABILITY, about, words, row["since"], link,
            UNKNOWN_HOLD, CALM,
        )  # fmt: skip


def _since() -> Any:
    """Since when it is not known: a finding that is unknown says so; what a look that grew old says was known until
    it was too old."""
    ages = [
        When(look__probe=probe, then=F("look__at") + timedelta(seconds=allowed_age(every(probe))))
        for probe in known_probes()
    ]
    aged = Case(*ages, default=F("look__at"), output_field=DateTimeField())
    known = Q(look__at__isnull=False) & ~Q(outcome=UNKNOWN)
    return Case(When(known, then=aged), default=F("since"))


def _missed(ask: Ask, failed: dict[str, list[Any]], places: Places, pages: Pages) -> Iterator[Alarm]:
    """What began and ended while nobody looked at the alarms."""
    if ask.after is None or ask.now - ask.after < GAP:
        return
    ended = Transition.objects.filter(at__gt=ask.after, at__lte=ask.now, from_outcome=FAIL, engine__watched=True)
    seen: Counter[str] = Counter()
    for row in ended.exclude(to_outcome=UNKNOWN).order_by("-at")[:MOST]:
        thing = Thing(row.engine_id, row.probe, row.check_name, row.subject_kind, row.subject_key)
        seen[thing.key] += 1
        if thing.key in failed or thing.key in ask.open or seen[thing.key] > 1:
            continue
        began = _began(row)
        if began is not None:
            words = f"{began.sentence} It ended at {full(row.at)}, while the portal told nobody."
            what = concern(row.probe, row.check_name)
            link = _changes(thing, pages)
            yield Alarm(
                thing.key, severity(Outcome.FAIL), what, _about(thing, places), words, began.at, link, HOLD, CALM,
                until=row.at,
            )  # fmt: skip


def _began(ended: Transition) -> Transition | None:
    same = Transition.objects.filter(
        engine=ended.engine_id, host=ended.host_id, probe=ended.probe, check_name=ended.check_name,
        subject_kind=ended.subject_kind, subject_key=ended.subject_key, to_outcome=FAIL, at__lt=ended.at,
    )  # fmt: skip
    return same.order_by("-at").first()
