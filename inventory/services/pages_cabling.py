"""The declared cabling for its pages: every cable beside what the fabrics tell, and a table of what is plugged in now,
to begin a declaration with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from inventory.models import Cabling, Engine
from inventory.redundancy import cabling as tables
from inventory.redundancy.cabling import CABLES, FEEDS, HOLDS, Line
from inventory.redundancy.fabrics import Fabric
from inventory.redundancy.plan import joined
from inventory.redundancy.planned import Seen, cables
from inventory.redundancy.summary import Proof
from inventory.services import gathering, pages_topology, proving
from inventory.services.cabling import approved, lines_of, waiting

VERSIONS = 12


@dataclass(frozen=True)
class Page:
    """holds, waits: the version that is in force, and one that waits. proof None: nothing was looked at, so nothing can
    be compared. rest: lines that are no cables, by kind."""

    engine: Engine
    holds: Cabling | None
    waits: Cabling | None
    versions: tuple[Cabling, ...]
    proof: Proof | None
    cables: tuple[Seen, ...]
    rest: tuple[tuple[str, tuple[Line, ...]], ...]
    strange: tuple[str, ...]
    unfed: tuple[str, ...]


def engines() -> list[Engine]:
    """Those whose fabrics can be declared: with switches or arrays, or with a version already."""
    there = Engine.objects.filter(devices__isnull=False) | Engine.objects.filter(cablings__isnull=False)
    return list(there.select_related("site").distinct().order_by("name"))


def page(engine: Engine, now: datetime) -> Page:
    """Everything that the page of one estate shows, beside the proof that was recorded last, as on other pages."""
    holds = approved(engine)
    known = pages_topology.page(now, str(engine.pk))
    proof = known.known.proof if known.known and known.engine == engine else None
    plan = proof.estate.declared.plan if proof else None
    lines = lines_of(holds)
    rest = [(kind, tuple(line for line in lines if line.kind == kind)) for kind in tables.KINDS if kind not in CABLES]
    return Page(
        engine,
        holds,
        waiting(engine),
        tuple(engine.cablings.order_by("-pk")[:VERSIONS]),
        proof,
        cables(proof) if proof else (),
        tuple((kind, mine) for kind, mine in rest if mine),
        tuple(sorted(plan.strange)) if plan else (),
        plan.unfed if plan else (),
    )


def strange_in(row: Cabling) -> tuple[str, ...]:
    """Names of a version that nobody of its estate has, so that whoever approves it sees a slip of the pen."""
    plan, _ = joined(lines_of(row), gathering.names(row.engine))
    return tuple(sorted(plan.strange))


def from_seen(engine: Engine, now: datetime) -> str:
    """A table of what is plugged in now, with what is declared of power and places kept: to be read, corrected and
    proposed by a person. What was not seen is not in it."""
    known = pages_topology.page(now, str(engine.pk))
    same = known.known is not None and known.engine == engine
    proof = known.known.proof if known.known and same else proving.proof_of(engine, now)
    names = known.known.around.names if known.known and same else {}
    kept = [line for line in lines_of(approved(engine)) if line.kind in (*HOLDS, *FEEDS, "site")]
    return tables.written([*kept, *_plugged(proof, names), *_links(proof), *_fabrics(proof.fabrics)])


def _plugged(proof: Proof, names: Mapping[str, str]) -> Iterator[Line]:
    """HBA ports and array ports, where the name servers have them. names: serial number -> the name people gave."""
    hbas = {hba.wwpn: (host.name, hba.card.split(".")[0]) for host in proof.estate.hosts for hba in host.hbas}
    targets = {
        port.wwpn: names.get(array.serial) or array.name for array in proof.estate.arrays for port in array.ports
    }
    for fabric in proof.fabrics:
        for wwpn, login in fabric.logins.items():
            if login.fabric_port not in fabric.ports:
                continue
            owner, port = fabric.ports[login.fabric_port]
            at, number = fabric.names.get(owner, owner), str(port.number)
            if wwpn in hbas:
                yield Line("hba", hbas[wwpn][0], wwpn, at, number, hbas[wwpn][1])
            elif wwpn in targets:
                yield Line("array", targets[wwpn], wwpn, at, number)


def _links(proof: Proof) -> Iterator[Line]:
    for fabric in proof.fabrics:
        for cable in fabric.cables:
            if cable.a[1] is not None and cable.b[1] is not None:
                near, far = sorted((fabric.names.get(wwn, wwn), str(number)) for wwn, number in (cable.a, cable.b))
                yield Line("link", *near, *far)


def _fabrics(fabrics: Iterable[Fabric]) -> Iterator[Line]:
    """Fabrics by letter, in the order of their switches' names."""
    for number, fabric in enumerate(sorted(fabrics, key=lambda one: one.name)):
        for wwn in sorted(fabric.switches):
            yield Line("fabric", fabric.names.get(wwn, wwn), "", chr(ord("A") + number % 26))
