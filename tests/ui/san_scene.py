"""Switches and arrays behind an estate of tests/ui/world.py: declared, looked at and proven."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from inventory.models import Device, Engine, Look, Site
from inventory.probes.fc_ports import FcFacts
from inventory.probes.reading.sysfs import FcPort
from inventory.services import proving
from inventory.services.sameness import facts_mark
from inventory.services.watch import ensure
from portal.kernel import facts as facts_json
from portal.kernel.secret import Secret
from tests.redundancy.san_world import Hba, Target, World
from tests.ui import world

SWITCHES = {"A": "1000c4f57c01a000", "B": "1000c4f57c01b000"}
PROD, DR = "2102353XYZ00000001", "2102353XYZ00000002"


def san(engine: Engine) -> World:
    """Two fabrics of one switch, two arrays; the LUNs, HBA ports and target ports of tests/ui/world.py."""
    made = World(
        fabrics=[[SWITCHES["A"]], [SWITCHES["B"]]],
        names={SWITCHES["A"]: "SWA1", SWITCHES["B"]: "SWB1"},
        domains={SWITCHES["A"]: 1, SWITCHES["B"]: 2},
        arrays=[PROD, DR],
        cabled=False,
    )
    for number, host in enumerate(engine.hosts.order_by("name"), 1):
        for fabric, card in (("A", "0000:3b:00"), ("B", "0000:af:00")):
            port = number + 8
            made.hbas.append(Hba(world.hba(number, fabric), host.name, card, SWITCHES[fabric], port))
    for fabric, wwpns in world.TARGETS.items():
        for number, wwpn in enumerate(wwpns):
            letter = "AB"[number]
            where = f"CTE0.{letter}.IOM0.P{'AB'.index(fabric)}"
            made.targets.append(Target(wwpn, PROD, f"0{letter}", f"0{letter}.0", SWITCHES[fabric], 4 + number, where))
            far = f"{wwpn[:-1]}2"
            made.targets.append(Target(far, DR, f"0{letter}", f"0{letter}.0", SWITCHES[fabric], 6 + number, where))
    for number, (name, _, _) in enumerate(world.LUNS, 1):
        wwn = f"{world.WWID}{number}"[1:]
        made.luns[wwn] = name
        made.given |= {(host, wwn, PROD) for host in made.hosts()}
    made.zoned = {
        (hba.wwpn, target.wwpn)
        for hba in made.hbas
        for target in made.targets
        if made.fabric_of(hba.switch) == made.fabric_of(target.switch)
    }
    return made


def declare(engine: Engine) -> dict[str, Device]:
    """Two switches and two arrays, the second of the DR site."""
    away = Site.objects.get_or_create(name="DR", defaults={"role": "dr"})[0]
    rows = {}
    for kind, name, site in (
        ("switch", "SWA1", engine.site),
        ("switch", "SWB1", engine.site),
        ("array", "DORADO-PROD", engine.site),
        ("array", "DORADO-DR", away),
    ):
        rows[name] = Device.objects.create(
            engine=engine, site=site, kind=kind, name=name, address="127.0.0.1", username="u", password=Secret("p")
        )
    ensure(engine)
    return rows


def tell(engine: Engine, made: World, at: datetime | None = None, silent: tuple[str, ...] = ()) -> None:
    """Writes what hosts, switches and arrays would tell, and proves it. silent: devices that do not answer."""
    at = at or timezone.now()
    told = {made.names[one.wwn]: one for one in made.estate().switches}
    told |= {"DORADO-PROD": made.array(PROD), "DORADO-DR": made.array(DR)}
    for look in engine.looks.filter(device__isnull=False).select_related("device"):
        if look.device.name in silent:
            words = f"{look.device.name} does not answer on 127.0.0.1 port 443: see its console."
            Look.objects.filter(pk=look.pk).update(state="unanswered", at=at, sentence=words)
            continue
        facts = facts_json.dump(told[look.device.name])
        Look.objects.filter(pk=look.pk).update(
            state="read", at=at, sentence="", facts=facts, facts_sha256=facts_mark(facts)
        )
    for look in engine.looks.filter(probe="fc_ports").select_related("host"):
        facts = facts_json.dump(FcFacts("b", _ports(made, look.host.name), ()))
        Look.objects.filter(pk=look.pk).update(state="read", at=at, facts=facts, facts_sha256=facts_mark(facts))
    prove_now(engine)


def _ports(made: World, host: str) -> tuple[FcPort, ...]:
    mine = [hba for hba in made.hbas if hba.host == host]
    return tuple(
        FcPort(
            f"host{15 + n}",
            hba.wwpn,
            "20" + hba.wwpn[2:],
            hba.switch if hba.up else "",
            "Online" if hba.up else "Linkdown",
            32.0,
            32.0,
            "010100",
            "QLE2772",
            "9.09",
            hba.card,
            (),
        )
        for n, hba in enumerate(mine)
    )


def prove_now(engine: Engine) -> None:
    """The worker's own way to a proof."""
    engine.looks.filter(probe="redundancy").update(due_at=timezone.now() - timedelta(seconds=1))
    proving.tick()
