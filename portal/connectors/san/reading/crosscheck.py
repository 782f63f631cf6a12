"""Where a switch's two interfaces tell different things. One of both readers is wrong then, or the switch is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from portal.kernel.san import SwitchPort, SwitchSeen, Zone

_HEAD = ("wwn", "name", "domain", "firmware", "state", "principal")


def differences(rest: SwitchSeen, cli: SwitchSeen) -> tuple[str, ...]:
    """One sentence per difference; what either does not tell, or could not read, is not compared."""
    found = [
        f"{leaf.capitalize()} of {rest.name}: REST tells {here}, the command line {there}."
        for leaf in _HEAD
        if _differ(here := getattr(rest, leaf), there := getattr(cli, leaf))
    ]
    if _both(rest, cli, "ports"):
        found += _ports(rest, cli)
    if _both(rest, cli, "logins"):
        found += _sets("Login", rest.name, (one.wwpn for one in rest.logins), (one.wwpn for one in cli.logins))
    if _both(rest, cli, "members"):
        found += _sets("Switch", rest.name, (one.wwn for one in rest.members), (one.wwn for one in cli.members))
    return (*found, *_zoning(rest, cli))


def _both(rest: SwitchSeen, cli: SwitchSeen, part: str) -> bool:
    return part not in rest.unread and part not in cli.unread


def _differ(here: object, there: object) -> bool:
    return here not in (None, "") and there not in (None, "") and here != there


def _ports(rest: SwitchSeen, cli: SwitchSeen) -> list[str]:
    here, there = {one.number: one for one in rest.ports}, {one.number: one for one in cli.ports}
    found = _sets("Port", rest.name, map(str, here), map(str, there))
    for number in sorted(here.keys() & there.keys()):
        found += _port(rest.name, here[number], there[number])
    return found


def _port(name: str, here: SwitchPort, there: SwitchPort) -> list[str]:
    """Type, speed and neighbours count while a port is online only: without a link the two tell different defaults."""
    leafs = ["state", "persistent_disable"]
    if here.state == there.state == "online":
        leafs += ["kind", "gbit", "peer_port", "trunk"]
        leafs += ["neighbors"] if here.neighbors and there.neighbors else []
    return [
        f"{leaf.replace('_', ' ').capitalize()} of port {here.number} of {name}: "
        f"REST tells {_shown(one)}, the command line {_shown(other)}."
        for leaf in leafs
        if _differ(one := _plain(getattr(here, leaf)), other := _plain(getattr(there, leaf)))
    ]


def _plain(value: object) -> object:
    return tuple(sorted(value)) if isinstance(value, tuple) else value


def _shown(value: object) -> str:
    return " ".join(value) if isinstance(value, tuple) else str(value)


def _zoning(rest: SwitchSeen, cli: SwitchSeen) -> list[str]:
    here, there = rest.zoning, cli.zoning
    if here is None or there is None or not _both(rest, cli, "zoning"):
        return []
    found = []
    if here.cfg_effective != there.cfg_effective:
        found.append(
            f"Effective configuration of {rest.name}: REST tells {here.cfg_effective or 'none'}, "
            f"the command line {there.cfg_effective or 'none'}."
        )
    if _differ(here.transaction, there.transaction):
        found.append(
            f"Open transaction of {rest.name}: REST tells {here.transaction}, the command line {there.transaction}."
        )
    found += _members("Effective zone", rest.name, _by_name(here.effective), _by_name(there.effective))
    if _both(rest, cli, "defined"):
        found += _members("Defined zone", rest.name, _by_name(here.defined), _by_name(there.defined))
        found += _members("Alias", rest.name, _as_sets(here.aliases), _as_sets(there.aliases))
        found += _members("Configuration", rest.name, _as_sets(here.cfgs), _as_sets(there.cfgs))
    return found


def _by_name(zones: Iterable[Zone]) -> dict[str, frozenset[str]]:
    return {zone.name: frozenset(zone.members) for zone in zones}


def _as_sets(named: Mapping[str, tuple[str, ...]]) -> dict[str, frozenset[str]]:
    return {name: frozenset(members) for name, members in named.items()}


def _members(
    what: str, name: str, here: Mapping[str, frozenset[str]], there: Mapping[str, frozenset[str]]
) -> list[str]:
    found = _sets(what, name, here, there)
    return found + [
        f"{what} {one} of {name} has other members by REST than by the command line: "
        f"{', '.join(sorted(here[one] ^ there[one]))}."
        for one in sorted(here.keys() & there.keys())
        if here[one] != there[one]
    ]


def _sets(what: str, name: str, here: Iterable[str], there: Iterable[str]) -> list[str]:
    rest, cli = set(here), set(there)
    return [
        *(f"{what} {one} of {name} is told by REST and not by the command line." for one in sorted(rest - cli)),
        *(f"{what} {one} of {name} is told by the command line and not by REST." for one in sorted(cli - rest)),
    ]
