"""Storage in the engine's eyes: SPM, multipath health maps, domains."""

from __future__ import annotations

from lab.audit import record
from lab.engine.paths import PathCount
from lab.engine.state import Engine
from lab.world import Host, Lun

SPM_SELECTION = 30.0  # lab seconds until another host is SPM
DOMAIN_LIMIT = 300.0  # lab seconds without a domain before its host is non operational


def spm(engine: Engine) -> None:
    """Keeps one Up host as SPM."""
    hosts = engine.world.hosts.values()
    for host in hosts:
        if host.spm and host.engine_status in ("non_responsive", "reboot", "maintenance", "non_operational"):
            host.spm = False
            text = "Invalid status on Data Center Default. Setting status to Non Responsive."
            record(engine.world, 980, "warning", text, host=host.name)
    if any(host.spm for host in hosts):
        engine.no_spm_since = None
        return
    if engine.no_spm_since is None:
        engine.no_spm_since = engine.now
    fit = [host for host in hosts if host.engine_status == "up" and engine.reachable(host)]
    if fit and engine.now - engine.no_spm_since >= SPM_SELECTION:
        choose_spm(engine, fit[0])


def choose_spm(engine: Engine, chosen: Host, correlation_id: str = "") -> None:
    """Makes a host the SPM."""
    for host in engine.world.hosts.values():
        host.spm = host is chosen
    text = f"Storage Pool Manager runs on Host {chosen.name} (Address: {chosen.address}), Data Center Default."
    record(engine.world, 204, "normal", text, host=chosen.name, correlation_id=correlation_id)


def multipath(engine: Engine, quiet: bool = False) -> None:
    """Multipath events: only when a host's health map changes (facts/engine-api.md 7)."""
    for host in engine.world.hosts.values():
        if not engine.reachable(host) or host.engine_status != "up":
            continue
        counts = PathCount(engine.world, host)
        known = engine.maps_seen.get(host.id)
        health = (frozenset[str](), frozenset[str]()) if counts.untouched else counts.health()
        if known == health:
            continue
        engine.maps_seen[host.id] = health
        if not quiet:
            _tell_maps(engine, host, *health)


def _tell_maps(engine: Engine, host: Host, faulty: frozenset[str], dead: frozenset[str]) -> None:
    if not faulty and not dead:
        text = f"No faulty multipath paths on host {host.name}"
        record(engine.world, 11501, "normal", text, host=host.name)
        return
    if faulty - dead:
        text = f"Faulty multipath paths on host {host.name} on devices: [{', '.join(sorted(faulty - dead))}]"
        record(engine.world, 11500, "warning", text, host=host.name)
    if dead:
        text = f"Multipath devices without valid paths on host {host.name} : [{', '.join(sorted(dead))}]"
        record(engine.world, 11502, "warning", text, host=host.name)


def _lost_domains(engine: Engine, host: Host, backing: list[Lun]) -> list[str]:
    counts = PathCount(engine.world, host)
    return [lun.domain_id for lun in backing if not counts.of(lun)[1]]


def domains(engine: Engine) -> None:
    """Domains that changed status, and hosts that have lost one for five minutes."""
    for key, domain in engine.world.domains.items():
        status = str(domain.get("status"))
        if engine.domains_seen.get(key) != status:
            engine.domains_seen[key] = status
            _tell_domain(engine, key, str(domain.get("name")), status)
    up = [host for host in engine.world.hosts.values() if host.engine_status == "up" and engine.reachable(host)]
    backing = [lun for lun in engine.world.luns.values() if lun.domain_id]
    lost = {host.name: _lost_domains(engine, host, backing) for host in up}
    for host in up:
        _judge(engine, host, lost)
    if up and not any(lost.values()):
        _reactivate(engine)


def _tell_domain(engine: Engine, key: str, name: str, status: str) -> None:
    if status == "active":
        record(engine.world, 966, "normal", f"Storage Domain {name} was activated.", storage_domain=key)
    elif status == "inactive":
        text = f"Storage Domain {name} was deactivated by system because it is not visible by any of the hosts."
        record(engine.world, 970, "warning", text, storage_domain=key)


def _judge(engine: Engine, host: Host, lost: dict[str, list[str]]) -> None:
    """All hosts lost it: the domain is inactive. One host lost it: that host is non operational."""
    if not lost[host.name]:
        engine.domain_lost_since.pop(host.id, None)
        return
    since = engine.domain_lost_since.setdefault(host.id, engine.now)
    if engine.now - since < DOMAIN_LIMIT:
        return
    common = set.intersection(*(set(domains) for domains in lost.values()))
    for key in common:
        engine.world.domains[key]["status"] = "inactive"
    if set(lost[host.name]) - common:
        host.engine_status = "non_operational"
        name = str(engine.world.domains[lost[host.name][0]].get("name"))
        text = (
            f"Host {host.name} cannot access the Storage Domain(s) {name} attached to the Data Center Default. "
            "Setting Host state to Non-Operational."
        )
        record(engine.world, 522, "warning", text, host=host.name)


def _reactivate(engine: Engine) -> None:
    for domain in engine.world.domains.values():
        if domain.get("status") == "inactive":
            domain["status"] = "active"
