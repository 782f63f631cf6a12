"""What differs in production between before and after a drill, and whether the drill was meant to do that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Print = Mapping[str, Any]  # as failover.services.fingerprints writes it; shape: docs/adr/0017


@dataclass(frozen=True)
class Expected:
    """engine_moves: the engine VM may run elsewhere. host: the one whose power or VMs the drill takes; "" for none.
    reboots: that host boots anew. vms_move: what ran there may run elsewhere."""

    engine_moves: bool = False
    host: str = ""
    reboots: bool = False
    vms_move: bool = False


@dataclass(frozen=True)
class Change:
    """One difference."""

    what: str
    was: str
    now: str
    expected: bool

    @property
    def sentence(self) -> str:
        """For people."""
        return f"{self.what} was {self.was or 'not known'}, and is {self.now or 'not known'}."


_MOVES = frozenset({"she_switchover", "she_failover", "engine_service_failure", "host_power_loss"})


def expected_of(plan: str, host: str) -> Expected:
    """What the plan is meant to change, when it acts on `host`."""
    loss = plan == "host_power_loss"
    return Expected(plan in _MOVES, host if loss else "", loss, loss)


def changes(before: Print, after: Print, meant: Expected) -> tuple[Change, ...]:
    """All differences: first what was not meant. What could not be seen after is a difference, too."""
    found = [*_whole(before, after), *_hosts(before, after, meant), *_vms(before, after, meant)]
    return tuple(sorted(found, key=lambda one: one.expected))


def _whole(before: Print, after: Print) -> list[Change]:
    was, now = _flag(before["global_maintenance"]), _flag(after["global_maintenance"])
    return [] if was == now else [Change("Global maintenance", was, now, False)]


def _hosts(before: Print, after: Print, meant: Expected) -> list[Change]:
    found = []
    for name in sorted({*before["hosts"], *after["hosts"]}):
        was, now = before["hosts"].get(name), after["hosts"].get(name)
        if was is None or now is None:
            found.append(Change(f"Host {name}", "there" if was else "absent", "there" if now else "absent", False))
            continue
        for key, words in (("status", "The status of"), ("local_flags", "Local maintenance of"), ("paths", "Paths of")):
            if was[key] != now[key]:
                found.append(Change(f"{words} {name}", _text(was[key]), _text(now[key]), False))
        if was["boot"] != now["boot"]:
            found.append(Change(f"The boot of {name}", was["boot"], now["boot"], meant.reboots and name == meant.host))
    return found


def _vms(before: Print, after: Print, meant: Expected) -> list[Change]:
    found = []
    for name in sorted({*before["vms"], *after["vms"]}):
        was, now = before["vms"].get(name), after["vms"].get(name)
        if was is None or now is None:
            found.append(Change(f"VM {name}", "there" if was else "absent", "there" if now else "absent", False))
            continue
        moved = meant.engine_moves if was["engine"] else meant.vms_move and was["host"] == meant.host
        if was["status"] != now["status"]:
            found.append(Change(f"VM {name}", was["status"], now["status"], False))
        if was["host"] != now["host"]:
            found.append(Change(f"The host of VM {name}", was["host"], now["host"], moved))
        if was["luns"] != now["luns"]:
            found.append(Change(f"The LUNs of VM {name}", _text(was["luns"]), _text(now["luns"]), False))
    return found


def _flag(value: Any) -> str:
    return {True: "on", False: "off"}.get(value, "not known")


def _text(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return _flag(value)
    if isinstance(value, list):
        return ", ".join(value) or "none"
    return str(value)
