"""Rules on what arrays know of hosts, LUNs and replicas."""

from __future__ import annotations

from collections.abc import Iterator

from inventory.redundancy.estate import Use
from inventory.redundancy.lint.rule import Found
from inventory.redundancy.lint.scene import Scene
from inventory.redundancy.mapping import unread
from portal.kernel.outcome import Outcome
from portal.kernel.san import ArrayLun, ArraySeen


def _short(name: str) -> str:
    return name.split(".", maxsplit=1)[0].lower()


def not_on_array(scene: Scene) -> Iterator[Found]:
    """A port that is zoned to an array and logged in, and that the array gives to no host."""
    for array in scene.estate.arrays:
        if unread(array, "initiators"):
            continue
        known = {one.wwpn: one for one in array.initiators}
        for fabric, login in scene.logged_in():
            effective = scene.permits(fabric).effective
            if login.wwpn not in scene.hbas or effective is None:
                continue
            if not any(effective.allows(login.wwpn, port.wwpn) for port in array.ports):
                continue
            one = known.get(login.wwpn)
            if one is not None and one.host and not one.free:
                continue
            told = "it does not know it" if one is None else "it belongs to no host there"
            words = (
                f"{scene.name(login.wwpn)} is zoned to {array.name}, and {told}: add the initiator to its host on "
                "the array, or its LUNs stay without these paths."
            )
            yield Found((array.name, login.wwpn), ((f"initiators of {array.name}", told),), words)


def wrong_host(scene: Scene) -> Iterator[Found]:
    """An initiator under another host's name, or one host object with the ports of two."""
    names = {_short(host.name) for host in scene.estate.hosts}
    for array in scene.estate.arrays:
        by_host: dict[str, list[str]] = {}
        for one in array.initiators:
            if one.wwpn in scene.hbas and one.host:
                by_host.setdefault(one.host, []).append(one.wwpn)
        for ident, wwpns in by_host.items():
            named = array.hosts.get(ident, ident)
            owners = {wwpn: scene.hbas[wwpn] for wwpn in wwpns}
            strange = [
                wwpn for wwpn, owner in owners.items() if _short(named) in names and _short(owner) != _short(named)
            ]
            if strange:
                words = (
                    f"{array.name} has {scene.name(strange[0])} under its host {named}: that host's LUNs are given "
                    "to another one. Move the initiator."
                )
                yield Found(
                    (array.name, named, *strange), ((f"initiators of {array.name}", ", ".join(strange)),), words
                )
            elif len(set(owners.values())) > 1:
                words = (
                    f"Host {named} on {array.name} holds the ports of {' and '.join(sorted(set(owners.values())))}: "
                    "make a host for each of them."
                )
                yield Found(
                    (array.name, named), ((f"initiators of {array.name}", ", ".join(wwpns)),), words, Outcome.WARN
                )


def _mapped(scene: Scene, array: ArraySeen) -> Iterator[tuple[ArrayLun, dict[str, set[int | None]]]]:
    """LUNs with the watched hosts they are mapped to and under which numbers."""
    owners: dict[str, set[str]] = {}
    for one in array.initiators:
        if one.wwpn in scene.hbas and one.host:
            owners.setdefault(one.host, set()).add(scene.hbas[one.wwpn])
    by_lun: dict[str, dict[str, set[int | None]]] = {}
    for given in array.mapped:
        for host in owners.get(given.host, ()):
            by_lun.setdefault(given.lun, {}).setdefault(host, set()).add(given.host_lun_id)
    for lun in array.luns:
        if lun.ident in by_lun:
            yield lun, by_lun[lun.ident]


def one_host(scene: Scene) -> Iterator[Found]:
    """A LUN that a VM on several hosts needs, given to one of them."""
    used: dict[str, list[Use]] = {}
    for use in scene.estate.uses:
        for wwid in use.wwids:
            used.setdefault(wwid, []).append(use)
    for array in scene.estate.arrays:
        if unread(array, "mapped") or unread(array, "initiators"):
            continue
        for lun, hosts in _mapped(scene, array):
            uses = used.get(f"3{lun.wwn}", [])
            where = {host for use in uses for host in use.hosts or [one.name for one in scene.estate.hosts]}
            if len(hosts) == 1 and len(where) > 1:
                host = next(iter(hosts))
                words = (
                    f"{lun.name} is mapped to {host} alone, and {uses[0].name} may run on {len(where)} hosts: it "
                    "cannot restart or move elsewhere. Map the LUN to the others."
                )
                yield Found(
                    (array.name, lun.name, host), ((f"mapping of {array.name}", f"{lun.name} to {host}"),), words
                )


def host_lun_id(scene: Scene) -> Iterator[Found]:
    """One LUN under several numbers."""
    for array in scene.estate.arrays:
        for lun, hosts in _mapped(scene, array):
            told = {host: numbers - {None} for host, numbers in hosts.items()}
            if len({number for numbers in told.values() for number in numbers}) > 1:
                said = ", ".join(
                    f"{host} {sorted(map(str, numbers))[0]}" for host, numbers in sorted(told.items()) if numbers
                )
                words = (
                    f"{lun.name} on {array.name} has different LUN numbers ({said}): give it the same one everywhere."
                )
                yield Found((array.name, lun.name), ((f"mapping of {array.name}", said),), words)


def secondary_in_production(scene: Scene) -> Iterator[Found]:
    """A replica that a host sees beside its original, or that a production host sees at all: duplicate disk headers and
    volume groups (facts/san.md 4.5)."""
    given = {
        (array.serial, lun.ident): (lun, set(hosts))
        for array in scene.estate.arrays
        for lun, hosts in _mapped(scene, array)
    }
    for array in scene.estate.arrays:
        for pair in array.pairs:
            mine = given.get((array.serial, pair.local_lun))
            if pair.kind != "replication" or pair.primary is not False or mine is None:
                continue
            lun, hosts = mine
            original = given.get((pair.remote_serial, pair.remote_lun), (None, set[str]()))[1]
            both = sorted(hosts & (original | scene.estate.production_hosts))
            if both:
                words = (
                    f"{lun.name} on {array.name} is a replica and mapped to {', '.join(both)}, where its original "
                    "is used: a host that sees both can write to the wrong one. Unmap it, or keep its access "
                    "denied."
                )
                evidence = (
                    (f"replication of {array.name}", f"pair {pair.ident}, secondary, access {pair.secondary_access}"),
                )
                yield Found((array.name, lun.name, *both), evidence, words)
