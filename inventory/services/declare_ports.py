"""The speeds of a host's FC ports, declared with its paths: what the latest look at the ports shows becomes what they
must run at. A port that is slow now is no measure, so a person sees that first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.contrib.auth.models import User
from django.utils import timezone

from inventory.models import DeclaredPort, Host, Look
from inventory.probes.fc_ports import FcFacts
from inventory.services.looks import every
from portal.kernel import facts as facts_json
from portal.kernel.freshness import is_stale

PROBE = "fc_ports"
Change = Literal["added", "kept", "raised", "lowered", "dropped"]


@dataclass(frozen=True)
class PortChange:
    """One port: the speed that is declared, the one that it runs at and the best it was seen at, Gbit/s, None where
    there is none. host: the kernel's name of it, "" when the host does not show it."""

    wwpn: str
    host: str
    was: float | None
    now: float | None
    best: float | None

    @property
    def change(self) -> Change:
        """What declaring does. A port without link keeps its declaration."""
        if not self.host:
            return "dropped"
        if self.was is None:
            return "added"
        if self.now is None or self.now == self.was:
            return "kept"
        return "raised" if self.now > self.was else "lowered"


def known(host: Host) -> FcFacts | None:
    """What the host's latest look at its FC ports told; None while that does not speak for now."""
    look = Look.objects.filter(host=host, probe=PROBE, state=Look.State.READ).only("at", "facts", "probe").first()
    if look is None or look.at is None or is_stale((timezone.now() - look.at).total_seconds(), every(PROBE)):
        return None
    try:
        facts: FcFacts = facts_json.load(FcFacts, look.facts)
    except (KeyError, TypeError):
        return None
    return facts


def changes(host: Host, facts: FcFacts | None) -> tuple[PortChange, ...]:
    """Every port that has a speed or a declaration; none while the ports are not known."""
    if facts is None:
        return ()
    declared = dict(host.declared_ports.values_list("wwpn", "gbit"))
    best = {one.wwpn: one.gbit for one in facts.best}
    seen = {one.wwpn: one for one in facts.ports}
    found = [
        PortChange(wwpn, one.host, declared.get(wwpn), one.gbit, best.get(wwpn))
        for wwpn, one in seen.items()
        if one.gbit is not None or wwpn in declared
    ]
    found += [PortChange(wwpn, "", was, None, None) for wwpn, was in declared.items() if wwpn not in seen]
    return tuple(sorted(found, key=lambda one: one.wwpn))


def dangers(host: str, ports: Iterable[PortChange]) -> list[str]:
    """Why declaring these speeds would hide that a port is slow, or gone."""
    said = []
    for one in ports:
        if one.change == "lowered":
            said.append(
                f"FC port {one.wwpn} ({one.host}) of {host} runs at {one.now:g} Gbit, {one.was:g} Gbit is declared. "
                "Declaring lowers it, and the loss is then reported nowhere. See its SFP, cable and switch port first."
            )
        elif one.change == "added" and one.now is not None and one.now < (one.best or 0.0):
            said.append(
                f"FC port {one.wwpn} ({one.host}) of {host} runs at {one.now:g} Gbit and had {one.best:g} Gbit before: "
                "a slow port is no measure. See its SFP, cable and switch port first."
            )
        elif one.change == "dropped":
            said.append(
                f"The declared FC port {one.wwpn} is not shown by {host} now. Declaring drops it, and its loss is then "
                "reported nowhere. See the card first."
            )
    return said


def moves(ports: Iterable[PortChange]) -> list[PortChange]:
    """Those that declaring changes."""
    return [one for one in ports if one.change != "kept"]


def write(host: Host, ports: Iterable[PortChange], by: User, at: datetime) -> None:
    """Brings the declarations to what is shown."""
    changed = moves(ports)
    DeclaredPort.objects.filter(host=host, wwpn__in=[one.wwpn for one in changed if one.change != "added"]).delete()
    DeclaredPort.objects.bulk_create(
        DeclaredPort(host=host, wwpn=one.wwpn, gbit=one.now, declared_at=at, declared_by=by)
        for one in changed
        if one.now is not None
    )


def body(ports: Iterable[PortChange]) -> Mapping[str, list[str]]:
    """WWPN -> declared and new speed of what changes, "" for none, for the evidence."""
    return {one.wwpn: ["" if speed is None else f"{speed:g}" for speed in (one.was, one.now)] for one in moves(ports)}
