"""One host's LUNs in every layer: pairs that are live, may be live, and why that is not known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from inventory.redundancy.estate import HostSeen
from inventory.redundancy.evidence import Known, Layer, Pairs, San
from inventory.redundancy.judge import Evidence, Judged, Trait, judge, numbers
from inventory.redundancy.mapping import Grant
from inventory.redundancy.wires import Wire
from portal.kernel.outcome import Outcome, worst

Paths = tuple[int, int]  # bits of paths that are up, and of those that may be
Reason = tuple[str, int]  # what is not known, and of which pairs
ALL = -1  # every pair


@dataclass(frozen=True)
class Access:
    """Through which pairs a LUN is given. loose: it may be given through more than can be counted. why: what was not
    read."""

    yes: int
    maybe: int
    loose: bool
    why: tuple[Reason, ...]


@dataclass(frozen=True)
class Part:
    """One layer of one LUN before it is judged."""

    yes: int
    maybe: int
    loose: bool
    why: tuple[Reason, ...]


@dataclass(frozen=True)
class HostLun:
    """One LUN on one host. name: the LUN's, as its array calls it; its WWID when none does. outcome: of
    the live layer; a warning when that works today and the design would not."""

    host: str
    wwid: str
    name: str
    layers: Mapping[Layer, Judged]
    outcome: Outcome

    @property
    def live(self) -> Judged:
        """What all evidence agrees on: the verdict."""
        return self.layers[Layer.LIVE]


class HostSide:
    """Judges the LUNs of one host. LUNs with the same pairs share one verdict: a host has few kinds and many LUNs."""

    def __init__(self, san: San, host: HostSeen, targets: tuple[str, ...]) -> None:
        self.san, self.host = san, host
        self.pairs = Pairs(san, host, targets)
        self.paths, self.foreign = self._seen()
        self.granted = san.mappings.of(hba.wwpn for hba in host.hbas)
        self.traits = [_trait(san, pair, wire) for pair, wire in zip(self.pairs.pairs, self.pairs.actual, strict=True)]
        self.designed = [
            _trait(san, pair, wire) for pair, wire in zip(self.pairs.pairs, self.pairs.designed, strict=True)
        ]
        self._homes = [found.array.serial if (found := san.wires.targets.get(t)) else "" for _, t in self.pairs.pairs]
        self._arrays: dict[str, int] = {}
        self._bits: dict[tuple[str, frozenset[str], frozenset[str] | None], int] = {}
        self._judged: dict[tuple[Layer, Evidence], Judged] = {}
        self._ways: dict[tuple[object, ...], tuple[Mapping[Layer, Judged], Outcome]] = {}

    def _seen(self) -> tuple[dict[str, Paths], frozenset[str]]:
        """WWID -> paths; and the LUNs with paths that no FC port carries, or none that the host tells of."""
        up: dict[str, int] = {}
        may: dict[str, int] = {}
        foreign: set[str] = set()
        number = self.pairs.number
        for path in self.host.paths:
            at = number.get((path.hba, path.target))
            if at is None:
                foreign.add(path.wwid)
            elif path.state == "up":
                up[path.wwid] = up.get(path.wwid, 0) | 1 << at
            else:
                may[path.wwid] = may.get(path.wwid, 0) | (1 << at if path.state == "unclear" else 0)
        return {wwid: (up.get(wwid, 0), may.get(wwid, 0)) for wwid in up.keys() | may.keys()}, frozenset(foreign)

    def lun(self, wwid: str) -> HostLun:
        """The LUN in all layers."""
        san = self.san
        access = self._access(wwid)
        paths = self.paths.get(wwid, (0, 0))
        homes = san.mappings.homes.get(wwid, ())
        metro = wwid in san.mappings.metro
        key = (access, paths, homes, metro, wwid in self.foreign, self._agreed(wwid))
        if key not in self._ways:
            layers = self._layers(wwid, access)
            self._ways[key] = layers, _outcome(layers)
        layers, outcome = self._ways[key]
        return HostLun(self.host.name, wwid, san.mappings.names.get(wwid) or wwid, layers, outcome)

    def _agreed(self, wwid: str) -> int | None:
        """The pairs that people declared for it."""
        declared = self.san.estate.declared.paths.get((self.host.name, wwid))
        if declared is None:
            return None
        return sum(1 << self.pairs.number[pair] for pair in declared if pair in self.pairs.number)

    # --- the layers -------------------------------------------------------------------------------------------------
    def _layers(self, wwid: str, access: Access) -> Mapping[Layer, Judged]:
        ignored = self.san.ignored(self.host.name, wwid)
        pairs = self.pairs
        design, login = _through(pairs.design, access), _through(pairs.login, access)
        seen, effective = self._seen_part(wwid), _through(pairs.effective, access)
        live = _all_agree((effective, login, seen), pairs.online)
        agreed = self._agreed(wwid)
        if agreed is not None and design.why:
            design = Part(agreed, 0, False, self._blurred(agreed, pairs.designed))
        parts = {Layer.DESIGNED: design, Layer.LOGGED_IN: login, Layer.SEEN: seen, Layer.LIVE: live}
        return {layer: self._judge(layer, part, ignored) for layer, part in parts.items()}

    def _access(self, wwid: str) -> Access:
        given, homes = self.san.mappings, self.san.mappings.homes.get(wwid, ())
        yes = 0
        for grant in self.granted.get(wwid, ()):
            yes |= self._grant(grant)
        why: list[Reason] = []
        loose = not homes
        for serial, parts in given.dark.items():
            if _decides(serial, parts, homes):
                bits = self._on(serial) | (self._on("") if "ports" in parts else 0)
                why.append((next(iter(parts.values())), bits))
                loose = loose or "ports" in parts
        if self.san.arrays_missing and (not homes or wwid in given.metro | given.perhaps):
            why.append((self.san.arrays_missing, self._on("")))
            loose = True
        if unread := self.host.unread.get("hbas"):
            why.append((f"{self.host.name}: {unread}", ALL))
            loose = True
        if not homes and not why:
            why.append(("The LUN is on no array that was read.", ALL))
        maybe = 0
        for _, bits in why:
            maybe |= bits
        return Access(yes, maybe & ~yes, loose, tuple(why))

    def _on(self, serial: str) -> int:
        """The pairs to an array; of "", those to ports of none that was read."""
        if serial not in self._arrays:
            self._arrays[serial] = sum(1 << n for n, home in enumerate(self._homes) if home == serial)
        return self._arrays[serial]

    def _grant(self, grant: Grant) -> int:
        key = (grant.serial, grant.initiators, grant.ports)
        if key not in self._bits:
            self._bits[key] = sum(
                1 << n
                for n, (hba, target) in enumerate(self.pairs.pairs)
                if hba in grant.initiators
                and (grant.ports is None or target in grant.ports)
                and self._homes[n] == grant.serial
            )
        return self._bits[key]

    def _seen_part(self, wwid: str) -> Part:
        yes, maybe = self.paths.get(wwid, (0, 0))
        why = self._blurred(yes, self.pairs.actual)
        if self.san.unsettled(wwid):
            why = (*why, ("Which arrays serve the LUN is not known.", ALL))
        if unread := self.host.unread.get("paths"):
            return Part(yes, ALL & ~yes, True, (*why, (f"{self.host.name}: {unread}", ALL)))
        if maybe:
            words = f"{maybe.bit_count()} paths of {self.host.name} are neither up nor down yet."
            why = (*why, (words, maybe))
        if wwid in self.foreign:
            why = (*why, (f"{self.host.name} has paths of this LUN without FC ports.", ALL))
        return Part(yes, maybe, wwid in self.foreign, why)

    def _blurred(self, bits: int, wires: list[Wire | None]) -> tuple[Reason, ...]:
        """What is not known of the wires of these pairs."""
        found: dict[str, int] = {}
        for n in numbers(bits):
            wire = wires[n]
            words = wire.why if wire else "A path joins two fabrics, and what lies between is not known."
            if words:
                found[words] = found.get(words, 0) | 1 << n
        return tuple(found.items())

    def _judge(self, layer: Layer, part: Part, ignored: int) -> Judged:
        size = (1 << len(self.pairs.pairs)) - 1
        why = tuple(words for words, _ in part.why)
        evidence = Evidence(part.yes, part.maybe & size, part.loose, why, ignored)
        if (layer, evidence) not in self._judged:
            designed = layer is Layer.DESIGNED
            wires = self.pairs.designed if designed else self.pairs.actual
            traits = self.designed if designed else self.traits
            self._judged[layer, evidence] = judge(evidence, wires, traits, self.san.wires.elements)
        return self._judged[layer, evidence]


def _decides(serial: str, parts: Mapping[str, str], homes: tuple[str, ...]) -> bool:
    """Whether what an array did not tell may give a LUN paths: one that it has, one that it may have."""
    if "luns" in parts:
        return True
    return bool(parts.keys() - {"snapshots"}) if serial in homes else not homes and "snapshots" in parts


def _outcome(layers: Mapping[Layer, Judged]) -> Outcome:
    live = layers[Layer.LIVE].outcome
    return worst((live, Outcome.WARN)) if layers[Layer.DESIGNED].outcome is Outcome.FAIL else live


def _through(known: Known, access: Access) -> Part:
    """What is known of the pairs, cut down to those through which the LUN is given."""
    live = known.yes & access.yes
    perhaps = (known.yes | known.maybe) & (access.yes | access.maybe) & ~live
    every = (*known.why.items(), *access.why)
    said = [(words, bits) for words, bits in every if access.loose or bits & (live | perhaps)]
    return Part(live, perhaps, access.loose, tuple(said))


def _all_agree(parts: tuple[Part, ...], online: int) -> Part:
    """Live is what every source shows. What one source denies is dead, whatever the others could not tell, so only what
    is not known of the remaining pairs matters."""
    yes = possible = online
    for part in parts:
        yes &= part.yes
        possible &= part.yes | part.maybe
    loose = all(part.loose for part in parts)
    why = {words: bits for part in parts for words, bits in part.why if loose or bits & possible}
    return Part(yes, possible & ~yes, loose, tuple(why.items()))


def _trait(san: San, pair: tuple[str, str], wire: Wire | None) -> Trait:
    target = san.wires.targets.get(pair[1])
    place = wire.place if wire else None
    fabric = "" if place is None else f"{place.fabric}{place.name}"
    controller = pair[1] if target is None else f"{target.array.serial}/{target.port.controller}"
    return Trait(pair[0], fabric, controller)
