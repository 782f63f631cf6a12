"""Where the hosts' configuration files differ though they should not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from backups.kit.conf import OWN, values
from backups.kit.content import ConfFile, Host


@dataclass(frozen=True)
class Difference:
    """One key with its value on each host, in the hosts' order; None: the key is not there."""

    key: str
    seen: tuple[tuple[str, str | None], ...]

    def __str__(self) -> str:
        told = (f"{host} {'lacks it' if value is None else value or 'empty'}" for host, value in self.seen)
        return f"{self.key}: {', '.join(told)}"


def differences(files: Mapping[str, ConfFile]) -> tuple[Difference, ...]:
    """Host name -> file in, keys that differ out. Keys that must differ (host_id) are left out. Needs two files."""
    read = {host: values(file.text) for host, file in files.items()}
    keys = dict.fromkeys(key for found in read.values() for key in found if key not in OWN)
    rows = (Difference(key, tuple((host, found.get(key)) for host, found in read.items())) for key in keys)
    return tuple(row for row in rows if len({value for _, value in row.seen}) > 1)


def he_conf(hosts: tuple[Host, ...]) -> tuple[Difference, ...]:
    """Drift of hosted-engine.conf."""
    return differences({host.name: host.he_conf for host in hosts if host.he_conf})


def answers(hosts: tuple[Host, ...]) -> tuple[Difference, ...]:
    """Drift of answers.conf among the hosts that have one: only the first host's deployment writes it."""
    return differences({host.name: host.answers for host in hosts if host.answers})


def shared_ids(hosts: tuple[Host, ...]) -> tuple[tuple[str, str, int], ...]:
    """Pairs of hosts with the same hosted-engine id: their sanlock leases collide."""
    known = [host for host in hosts if host.he_host_id is not None]
    return tuple(
        (one.name, two.name, one.he_host_id)
        for place, one in enumerate(known)
        for two in known[place + 1 :]
        if one.he_host_id is not None and one.he_host_id == two.he_host_id
    )
