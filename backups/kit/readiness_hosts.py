"""Hosts: who they are for the restored engine, their configuration files, their releases beside each other."""

from __future__ import annotations

from backups.kit import drift
from backups.kit.content import Host, Kit, Source
from backups.kit.line import Limits, Line, Part
from backups.kit.words import listed
from portal.kernel.outcome import Outcome

_COMPARED = ("ovirt-hosted-engine-setup", "ovirt-hosted-engine-ha", "ovirt-ansible-collection", "vdsm")


def hosts(kit: Kit, now: int, limits: Limits) -> list[Line]:
    """Each host: what the deployment needs to find its row, and whether two share an id."""
    if not kit.hosts:
        part = Part("hosts", "Hosts", Source(), now, limits.collected)
        return [part.line(Outcome.UNKNOWN, "No host is known. Connect the engine, or name the hosts.")]
    return [_host(host, kit, now, limits) for host in kit.hosts]


def _host(host: Host, kit: Kit, now: int, limits: Limits) -> Line:
    part = Part(f"host:{host.name}", host.name, host.source, now, limits.collected)
    if host.source.at is None:
        return part.unknown(f"Look at {host.name} over SSH.")
    needed = {
        "address": host.address,
        "FQDN": host.fqdn,
        "vds_unique_id": host.unique_id,
        "hosted-engine host_id": host.he_host_id or kit.bystander(host),
        "FC ports": host.wwpns,
        "BMC": host.bmc,
    }
    if lacking := [label for label, value in needed.items() if not value]:
        return part.missing(lacking, f"Look at {host.name}, or declare it.")
    twin = next((pair for pair in drift.shared_ids(kit.hosts) if host.name in pair[:2]), None)
    if twin:
        told = f"{twin[0]} and {twin[1]} both have host_id {twin[2]}"
        return part.line(Outcome.FAIL, f"{told}: their leases collide. Correct hosted-engine.conf of one.")
    number = "not one of those that run the engine VM" if kit.bystander(host) else f"host_id {host.he_host_id}"
    told = f"{host.name} is {host.fqdn}, {number}, vds_unique_id {host.unique_id}"
    if host.name not in (host.fqdn, host.address):
        # the restore removes the deployment's host by name and by unique id (facts/engine-backup.md 7)
        return part.good(f"{told}; its name in the engine is not its FQDN: give he_host_name {host.name} on the day.")
    return part.good(f"{told}.")


def conf_files(kit: Kit, now: int, limits: Limits) -> list[Line]:
    """hosted-engine.conf on every host, answers.conf on one at least, and no drift."""
    found = []
    for host in kit.hosts:
        if kit.bystander(host):
            continue
        part = Part(f"conf:{host.name}", f"hosted-engine.conf of {host.name}", host.source, now, limits.collected)
        if host.source.at is None or not host.conf_read:
            found.append(part.unknown(f"Look at {host.name} over SSH, as root."))
        elif host.he_conf is None:
            told = f"{host.name} has no hosted-engine.conf: it cannot run the engine VM"
            found.append(part.line(Outcome.FAIL, f"{told}. Reinstall it with hosted engine action DEPLOY."))
        else:
            found.append(part.good(f"{host.he_conf.path} of {host.name} is kept{_masked(host.he_conf.masked)}."))
    return [*found, *_answers(kit, now, limits), *_drift(kit, now, limits)]


def _masked(count: int) -> str:
    return "" if not count else f"; {count} {'password is' if count == 1 else 'passwords are'} masked"


def _answers(kit: Kit, now: int, limits: Limits) -> list[Line]:
    looked = [host for host in kit.hosts if host.source.at is not None and host.conf_read]
    oldest = min((host.source.at or 0 for host in looked), default=None)
    part = Part("answers", "answers.conf", Source(oldest), now, limits.collected)
    having = [host.name for host in looked if host.answers]
    if having:
        return [part.good(f"{listed(having)} {'has' if len(having) == 1 else 'have'} an answers.conf, and it is kept.")]
    if not looked or len(looked) < len(kit.hosts):
        return [part.line(Outcome.UNKNOWN, "No answers.conf was seen, and not every host was looked at. Look at all.")]
    told = "No host has an answers.conf: the values that were given at the first deployment are known from here alone"
    return [part.line(Outcome.WARN, f"{told}. Check the engine VM's values below.")]


def _drift(kit: Kit, now: int, limits: Limits) -> list[Line]:
    both = [host for host in kit.hosts if host.he_conf]
    if len(both) < 2:
        return []
    part = Part("drift", "Drift", Source(min(host.source.at or 0 for host in both)), now, limits.collected)
    rows = (*drift.he_conf(kit.hosts), *drift.answers(kit.hosts))
    if not rows:
        return [part.good(f"The configuration files of {listed(host.name for host in both)} agree.")]
    told = "; ".join(str(row) for row in rows[:3]) + ("; and more" if len(rows) > 3 else "")
    count = f"{len(rows)} {'key differs' if len(rows) == 1 else 'keys differ'} between the hosts"
    return [part.line(Outcome.WARN, f"{count} ({told}). Find out which one is right.")]


def releases(kit: Kit, now: int, limits: Limits) -> list[Line]:
    """The same packages, release and kernel on all hosts."""
    seen = [host for host in kit.hosts if host.source.at is not None and host.source.missed is None]
    if len(seen) < 2:
        return []
    part = Part("releases", "Releases", Source(min(host.source.at or 0 for host in seen)), now, limits.collected)
    traits = {name: {host.name: host.package(name) for host in seen} for name in _COMPARED}
    traits |= {
        "release": {host.name: host.release for host in seen},
        "kernel": {host.name: host.kernel for host in seen},
    }
    unknown = [name for name, found in traits.items() if not all(found.values())]
    apart = [
        f"{name} {listed(f'{value} on {host}' for host, value in found.items())}"
        for name, found in traits.items()
        if name not in unknown and len(set(found.values())) > 1
    ]
    if apart:
        return [part.line(Outcome.WARN, f"The hosts differ: {'; '.join(apart)}. Bring them to one level.")]
    if unknown:
        return [part.line(Outcome.UNKNOWN, f"{listed(unknown)} is not known on every host. Look at them over SSH.")]
    return [part.good(f"{len(seen)} hosts have the same packages, release and kernel.")]
