"""Services with an objective, asked always, at a rhythm of their own. It runs in the drill prober's process, behind the
same lock, and writes one row per unbroken state (docs/adr/0034)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from django.db import IntegrityError

from failover.catalog.stretches import Stretch
from failover.models import Objective, Service, ServiceSpan
from failover.services import boottime
from failover.services.asker import Asker, Question
from failover.services.availability import API, HEALTH, SERVICE, current, objectives
from failover.services.watching import DB_UP, ENGINE, health_url
from inventory.models import Engine
from portal.connectors.asking import API as ASK_API
from portal.connectors.asking import HTTP

REFRESH = 5.0  # seconds between two looks at what is promised
HURRIED = 1.0  # seconds between two questions while a service does not answer: when it is back is known the better
STEP = 1.0  # seconds by which the wall clock may move against the machine's before it counts as put
MOST = 5000  # spans that are kept for a database that is away
STATES = {True: ServiceSpan.State.UP, False: ServiceSpan.State.DOWN, None: ServiceSpan.State.UNKNOWN}


class Part(NamedTuple):
    """What of which objective a question is about."""

    objective: int
    part: str


Key = tuple[Part, str, float]  # with the boot and the moment of the first answer: as ServiceSpan's constraint


class Steady:
    """say: takes one line for whoever reads the process's output."""

    def __init__(self, say: Callable[[str], object]) -> None:
        self._say = say
        self._said = 0
        self._askers: dict[Part, Asker] = {}
        self._kept: dict[Key, Stretch] = {}
        self._looked: float | None = None

    @property
    def kept(self) -> int:
        """Spans that wait for the database."""
        return len(self._kept)

    def follow(self) -> None:
        """Brings what is asked to what is promised. Raises django.db.Error."""
        now = boottime.mono()
        if self._looked is not None and now - self._looked < REFRESH:
            return
        wanted = questions()
        self._looked = now
        self._stop([part for part, asker in self._askers.items() if wanted.get(part) != asker.question])
        for part in wanted.keys() - self._askers.keys():
            self._askers[part] = Asker(wanted[part], hurried=HURRIED, step=STEP)
        if len(wanted) != self._said:
            self._say(f"Watches {len({part.objective for part in wanted})} services always.")
            self._said = len(wanted)

    def rest(self) -> None:
        """Asks nothing until `follow` is called again."""
        self._stop(list(self._askers))
        self._looked, self._said = None, 0

    def collect(self) -> None:
        """Takes what was seen."""
        for part, asker in self._askers.items():
            self._keep(part, asker.taken())

    def _stop(self, gone: list[Part]) -> None:
        for part in gone:
            asker = self._askers.pop(part)
            asker.end()
            self._keep(part, asker.taken())

    def _keep(self, part: Part, stretches: list[Stretch]) -> None:
        for stretch in stretches:
            self._kept[part, boottime.boot(), stretch.began.mono] = stretch
        if len(self._kept) > MOST:  # the oldest go: they read as "not watched"
            for key in sorted(self._kept, key=lambda key: key[2])[: len(self._kept) - MOST]:
                del self._kept[key]

    def save(self) -> None:
        """Writes what was seen. Raises django.db.Error; then it is kept."""
        if not self._kept:
            return
        try:
            write(self._kept)
        except IntegrityError:
            there = set(Objective.objects.values_list("pk", flat=True))
            self._kept = {key: stretch for key, stretch in self._kept.items() if key[0].objective in there}
            write(self._kept)
        self._kept = {}


def questions() -> dict[Part, Question]:
    """What is asked of which service. A declared service that is gone is not asked, and reads as not watched."""
    rows = list(objectives().filter(engine__watched=True).exclude(kind=Objective.Kind.LUN))
    keys = {row.engine_id for row in rows}
    engines = {pk: (url, pem) for pk, url, pem in Engine.objects.filter(pk__in=keys).values_list("pk", "url", "ca_pem")}
    declared = Service.objects.filter(engine__in=keys).exclude(name=ENGINE)
    services = {(row.engine_id, row.name): row for row in declared}
    found: dict[Part, Question] = {}
    for row in rows:
        every, name = current(row).every, f"objective {row.pk}"
        if row.kind == Objective.Kind.ENGINE:
            url, pem = engines[row.engine_id]
            asked = Question(row.engine_id, f"{name} health", HTTP, health_url(url), DB_UP, pem, every)
            found[Part(row.pk, HEALTH)] = asked
            found[Part(row.pk, API)] = Question(row.engine_id, f"{name} api", ASK_API, url, "", pem, every)
        elif (one := services.get((row.engine_id, row.key))) is not None:
            asked = Question(row.engine_id, name, one.kind, one.address, one.words, one.ca_pem, every)
            found[Part(row.pk, SERVICE)] = asked
    return found


def write(kept: dict[Key, Stretch]) -> None:
    """Writes spans, new ones and ones that went on. Repeating it is harmless. Raises django.db.Error."""
    rows = [
        ServiceSpan(
            objective_id=part.objective,
            part=part.part,
            state=STATES[one.up],
            why=one.why,
            boot=boot,
            began_mono=began,
            last_mono=one.last.mono,
            began=one.began.at,
            last=one.last.at,
            questions=one.questions,
            widest=one.widest,
        )
        for (part, boot, began), one in kept.items()
    ]
    ServiceSpan.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["objective", "part", "boot", "began_mono"],
        update_fields=["why", "last_mono", "last", "questions", "widest"],
    )
