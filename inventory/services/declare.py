"""Declaring paths: what a host's latest look shows becomes what must exist. A person sees first what that adds and
what it drops, since a declaration made after a loss hides the loss (facts/luns-and-tuning.md 0.1)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from inventory.models import DeclaredPath, Host, Look, Lun
from inventory.probes.multipath import MultipathFacts
from inventory.probes.reading.multipath import PathFact, wwpn
from inventory.services import declare_ports
from inventory.services.declare_ports import PortChange
from inventory.services.look_now import due_at_once
from inventory.services.looks import every, stale_sentence
from inventory.services.signal import announce
from portal.evidence.canonical import digest
from portal.evidence.services import append
from portal.kernel import facts as facts_json
from portal.kernel.freshness import is_stale

PROBE = "multipath"
Change = Literal["added", "kept", "dropped"]
Key = tuple[str, str, str]  # WWID, HBA, array port


class CannotDeclare(ValueError):
    """Nothing can be declared now; the sentence says why and what to do."""


class ShownHasChanged(CannotDeclare):
    """What would be declared is no longer what was shown."""


class NotConfirmed(CannotDeclare):
    """A declaration that hides a loss needs the host's name typed."""


@dataclass(frozen=True)
class Pair:
    """One path of a LUN. standing as the look sees it: up, down, unclear; "" when it is not seen."""

    hba: str
    target: str
    change: Change
    standing: str


class Counted:
    """How many paths a declaration would add, keep and drop, told by `count`."""

    def count(self, change: Change) -> int:
        """How many paths would be so."""
        raise NotImplementedError

    @property
    def added(self) -> int:
        return self.count("added")

    @property
    def kept(self) -> int:
        return self.count("kept")

    @property
    def dropped(self) -> int:
        return self.count("dropped")

    @property
    def seen(self) -> int:
        return self.added + self.kept

    @property
    def declared(self) -> int:
        return self.kept + self.dropped

    @property
    def changes(self) -> bool:
        return bool(self.added or self.dropped)


@dataclass(frozen=True)
class LunChange(Counted):
    """One LUN's paths. pk None and name "": the engine does not list it."""

    wwid: str
    name: str
    pk: int | None
    pairs: tuple[Pair, ...]

    def count(self, change: Change) -> int:
        """How many of its paths would be so."""
        return sum(pair.change == change for pair in self.pairs)

    @property
    def down(self) -> int:
        """Paths that are seen and do not work."""
        return sum(pair.standing in ("down", "unclear") for pair in self.pairs)


@dataclass(frozen=True)
class Proposal(Counted):
    """What declaring would do now. dangers: why it would hide a loss, one sentence each; notices: what it cannot tell.
    sha256: over the paths, how they stand and what is declared, and the speeds of ports, so that it stays the same
    while those do (the look's own hash changes with every I/O in flight)."""

    host: Host
    look: Look
    at: datetime
    luns: tuple[LunChange, ...]
    dangers: tuple[str, ...]
    notices: tuple[str, ...]
    sha256: str
    ports: tuple[PortChange, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether declaring would change anything: paths, or speeds of ports."""
        return bool(self.added or self.dropped or declare_ports.moves(self.ports))

    def count(self, change: Change) -> int:
        """How many paths would be so, over all LUNs."""
        return sum(lun.count(change) for lun in self.luns)


def proposal(host: Host) -> Proposal:
    """What declaring the host's paths would do now; writes nothing. Raises CannotDeclare while its latest look does not
    speak for the present: unread, too old, or without multipathd."""
    look, at = _look(host)
    facts = _facts(host, look)
    seen = _seen(facts)
    declared = {
        (wwid, wwpn(hba), wwpn(target))
        for wwid, hba, target in host.declared_paths.values_list("wwid", "hba_wwpn", "target_wwpn")
    }
    luns = _luns(host, seen, declared)
    fc = declare_ports.known(host)
    ports = declare_ports.changes(host, fc)
    dangers = (*_dangers(host, luns, facts, declared), *declare_ports.dangers(host.name, ports))
    said = [
        [one.wwid, *(f"{each.hba}>{each.target} {each.change} {each.standing}" for each in one.pairs)] for one in luns
    ]
    notices = _notices(host, seen, luns)
    if fc is None and facts.hbas:
        notices.append(f"The speeds of {host.name}'s FC ports are not known now, so none is declared with the paths.")
    speeds = [f"{one.wwpn} {one.change} {one.was} {one.now}" for one in ports]
    mark = digest({"host": host.pk, "paths": said, "dangers": list(dangers), "ports": speeds})
    return Proposal(host, look, at, luns, dangers, tuple(notices), mark, ports)


def _look(host: Host) -> tuple[Look, datetime]:
    """The multipath look that speaks for now, and when it ended."""
    look = Look.objects.filter(host=host, probe=PROBE).select_related("host", "engine").defer("sections").first()
    if look is None or look.state == Look.State.NEVER or look.at is None:
        raise CannotDeclare(f"{host.name} has no readable multipath look yet: nothing can be declared.")
    if look.state != Look.State.READ:
        raise CannotDeclare(f"{host.name} has no readable multipath look: nothing can be declared. {look.sentence}")
    if is_stale((timezone.now() - look.at).total_seconds(), every(PROBE)):
        raise CannotDeclare(
            f"What {host.name} sees is not known now, so nothing can be declared. {stale_sentence(look)}"
        )
    return look, look.at


def _facts(host: Host, look: Look) -> MultipathFacts:
    """What multipathd said in it."""
    try:
        facts: MultipathFacts = facts_json.load(MultipathFacts, look.facts)
    except (KeyError, TypeError, ValueError):
        words = "was written by another version of Holdfast: wait for the next one"
        raise CannotDeclare(f"The latest multipath look at {host.name} {words}.") from None
    if facts.source != "json":
        raise CannotDeclare(f"multipathd does not answer on {host.name}, so its paths are not known: start it first.")
    if not any(one.paths for one in facts.maps):
        raise CannotDeclare(f"{host.name} sees no path at all, so nothing can be declared: see zoning and mapping.")
    return facts


def _seen(facts: MultipathFacts) -> dict[Key, str]:
    """Each path with its worst standing; paths without ports share one key."""
    rank = ("up", "unclear", "down")
    found: dict[Key, str] = {}
    for one in facts.maps:
        for path in one.paths:
            key = _key(one.wwid, path)
            found[key] = max(found.get(key, "up"), path.standing, key=rank.index)
    return found


def _key(wwid: str, path: PathFact) -> Key:
    return wwid, path.hba_wwpn, path.target_wwpn


def _luns(host: Host, seen: dict[Key, str], declared: set[Key]) -> tuple[LunChange, ...]:
    by_wwid: dict[str, list[Pair]] = defaultdict(list)
    for key in sorted(seen.keys() | declared):
        change: Change = "kept" if key in seen and key in declared else "added" if key in seen else "dropped"
        by_wwid[key[0]].append(Pair(key[1], key[2], change, seen.get(key, "")))
    names = {
        uuid: (name, pk)
        for uuid, name, pk in Lun.objects.filter(engine_id=host.engine_id, uuid__in=by_wwid).values_list(
            "uuid", "name", "pk"
        )
    }
    luns = []
    for wwid, pairs in by_wwid.items():
        name, pk = names.get(wwid, ("", None))
        luns.append(LunChange(wwid, name, pk, tuple(pairs)))
    return tuple(sorted(luns, key=lambda one: (not one.dropped, not one.down, not one.added, one.name or one.wwid)))


def _dangers(host: Host, luns: Iterable[LunChange], facts: MultipathFacts, declared: set[Key]) -> list[str]:
    """Why a declaration made now would hide a loss."""
    said = []
    dropped = [one for one in luns if one.dropped]
    if dropped:
        count = sum(one.dropped for one in dropped)
        shown = ", ".join(f"{one.dropped} of {one.name or one.wwid}" for one in dropped[:4])
        more = f" and of {len(dropped) - 4} more LUNs" if len(dropped) > 4 else ""
        said.append(
            f"{_paths(count, 'declared ')} of {host.name} {_are(count)} not seen now: {shown}{more}. Declaring drops "
            f"{'it' if count == 1 else 'them'}, and the loss is then reported nowhere. Look at cable, port and zoning "
            "first."
        )
    bad, total = sum(one.down for one in luns), sum(one.seen for one in luns)
    if bad:
        said.append(
            f"{bad} of {total} seen paths of {host.name} {'does' if bad == 1 else 'do'} not work now: a host with a "
            "fault is no measure of what must exist. Repair it first."
        )
    used = {hba for _, hba, _ in declared}
    down = [one for one in facts.hbas if one.state != "Online" and (not declared or one.wwpn in used)]
    if down:
        ports = ", ".join(f"{one.wwpn} ({one.host}) is {one.state or 'in an unknown state'}" for one in down)
        said.append(f"FC port {ports}: paths over it are not seen and would not be declared. See its cable first.")
    return said


def _notices(host: Host, seen: dict[Key, str], luns: Iterable[LunChange]) -> list[str]:
    """What is worth a look, and no loss by itself."""
    said = []
    names = {one.wwid: one.name or f"LUN {one.wwid}" for one in luns}
    plain = sorted({wwid for wwid, hba, target in seen if not (hba and target)})
    if plain:
        more = f" and {len(plain) - 1} more" if len(plain) > 1 else ""
        said.append(
            f"{names[plain[0]]}{more}: paths without FC ports. Declared or not, nobody can tell whether one of them "
            "vanishes."
        )
    mine = Counter(wwid for wwid, _, _ in seen)
    fewer = [(wwid, *most) for wwid, most in _elsewhere(host, set(mine)).items() if most[1] > mine[wwid]]
    if fewer:
        wwid, name, count = fewer[0]
        more = f", and so for {len(fewer) - 1} more" if len(fewer) > 1 else ""
        said.append(
            f"{host.name} sees {_paths(mine[wwid])} of {names[wwid]}; {name} declares {count}{more}. Compare them."
        )
    return said


def _elsewhere(host: Host, wwids: set[str]) -> dict[str, tuple[str, int]]:
    """WWID -> the other host of the cluster that declares most of its paths, and how many. One query."""
    counts: dict[tuple[str, str], int] = defaultdict(int)
    rows = DeclaredPath.objects.filter(
        host__engine_id=host.engine_id, host__cluster=host.cluster_id, host__gone_since=None, wwid__in=wwids
    ).exclude(host=host)
    for wwid, name in rows.values_list("wwid", "host__name"):
        counts[wwid, name] += 1
    most: dict[str, tuple[str, int]] = {}
    for (wwid, name), count in sorted(counts.items()):
        if count > most.get(wwid, ("", 0))[1]:
            most[wwid] = (name, count)
    return most


def declare(host: Host, by: User, sha256: str, typed: str = "", actor: str = "") -> Proposal:
    """Declares exactly the proposal whose sha256 was shown; returns it as it was carried out. typed: the host's name,
    needed where it would hide a loss. actor: how the evidence names the person, the user name when "". Raises
    ShownHasChanged, NotConfirmed, or CannotDeclare with a sentence."""
    with transaction.atomic():
        held = Host.objects.select_for_update().get(pk=host.pk)
        now = proposal(held)
        if now.sha256 != sha256:
            raise ShownHasChanged(
                f"What {held.name} sees or what is declared for it has changed since the page was made. Nothing was "
                "declared: read it again."
            )
        if not now.changes:
            raise CannotDeclare(
                f"All {now.seen} paths that {held.name} shows are declared already, and so are its ports."
            )
        if now.dangers and typed.strip() != held.name:
            raise NotConfirmed(f"Type {held.name} to confirm that a loss is declared away. Nothing was declared.")
        _write(now, by)
        due_at_once(held, PROBE, declare_ports.PROBE)
        announce("looks")
        append("paths.declared", actor or by.get_username(), f"host:{held.name}", _body(now))
    return now


def _write(now: Proposal, by: User) -> None:
    """Adds and drops; what is kept stays as it was approved."""
    gone = {(one.wwid, pair.hba, pair.target) for one in now.luns for pair in one.pairs if pair.change == "dropped"}
    rows = now.host.declared_paths.values_list("pk", "wwid", "hba_wwpn", "target_wwpn")
    lost = [pk for pk, wwid, hba, target in rows if (wwid, wwpn(hba), wwpn(target)) in gone]
    DeclaredPath.objects.filter(pk__in=lost).delete()
    at = timezone.now()
    declare_ports.write(now.host, now.ports, by, at)
    DeclaredPath.objects.bulk_create(
        [
            DeclaredPath(
                host=now.host,
                wwid=one.wwid,
                hba_wwpn=pair.hba,
                target_wwpn=pair.target,
                declared_at=at,
                declared_by=by,
            )
            for one in now.luns
            for pair in one.pairs
            if pair.change == "added"
        ]
    )


def _body(now: Proposal) -> dict[str, object]:
    """What the evidence holds: every path added and dropped, by LUN."""

    def of(change: Change) -> dict[str, list[str]]:
        by_lun = {one.wwid: [f"{p.hba}>{p.target}" for p in one.pairs if p.change == change] for one in now.luns}
        return {wwid: pairs for wwid, pairs in by_lun.items() if pairs}

    return {
        "paths": now.seen,
        "kept": now.kept,
        "added": of("added"),
        "dropped": of("dropped"),
        "ports": declare_ports.body(now.ports),
        "dangers": list(now.dangers),
        "look": now.look.sha256,
        "looked": now.at,
        "proposal": now.sha256,
    }


def _paths(count: int, kind: str = "") -> str:
    return f"{count} {kind}path{'' if count == 1 else 's'}"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
