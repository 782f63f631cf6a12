"""What a switch or an array says of itself: its state, what of it could not be read, its account, its alarms. Whether
hosts lose a LUN with it is the proof's to say (inventory/redundancy)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from portal.kernel.finding import Finding, Subject
from portal.kernel.outcome import Outcome
from portal.kernel.san import ArraySeen, Pool, SwitchSeen

PASSWORD_DAYS = 14  # before the account's password expires
CLOCK_SECONDS = 60.0  # that an array's clock may be away from ours
MAJOR, WARNING = 5, 3  # levels of alarms (facts/san.md 2.3)
POOL_WARN, POOL_FULL = 80, 95  # per cent, where the array has no threshold of its own
ONLINE, BUSY = "27", {"14": "pre-copying", "16": "being rebuilt"}  # running codes of a pool
NORMAL = {"health": ("1",), "running": ("1", "2", "27")}


def judge_switch(name: str, seen: SwitchSeen) -> list[Finding]:
    """Findings about one switch, as it was just read."""
    subject = Subject("switch", name)
    state = {"online": Outcome.OK, "": Outcome.UNKNOWN}.get(seen.state, Outcome.FAIL)
    words = f"{name} says that it is {seen.state}." if seen.state else f"{name} does not say whether it is online."
    found = [Finding("state", state, subject, words), *_read(name, subject, seen.unread)]
    found += [*_units(name, subject, seen), *_health(name, subject, seen)]
    days = seen.password_days
    if days is not None and days <= PASSWORD_DAYS:
        words = f"The password of the portal's account at {name} expires in {days} days: renew it."
        found.append(Finding("account", Outcome.WARN, subject, words))
    return found


def _units(name: str, subject: Subject, seen: SwitchSeen) -> Iterator[Finding]:
    """Power supplies and fans. A place without one is no fault of the switch: a G610 has one supply."""
    there = [one for one in seen.units if one.state != "absent"]
    bad = [one for one in there if one.state != "ok"]
    if bad:
        told = ", ".join(f"{one.kind} {one.number or '?'} ({one.state or 'no state'})" for one in bad)
        known = all(one.state for one in bad)
        words = f"{name} has parts that are not ok: {told}. Change them before another one fails."
        yield Finding("hardware", Outcome.WARN if known else Outcome.UNKNOWN, subject, words)
    elif there:
        words = f"All {len(there)} power supplies and fans of {name} are ok."
        yield Finding("hardware", Outcome.OK, subject, words)


def _health(name: str, subject: Subject, seen: SwitchSeen) -> Iterator[Finding]:
    """What the switch's own policy makes of itself; what it does not watch says nothing."""
    watched = {what: word for what, word in seen.health.items() if word not in ("unmonitored", "no-monitoring")}
    bad = [what for what, word in watched.items() if word != "healthy"]
    if bad:
        told = ", ".join(f"{what.replace('-', ' ')} {watched[what]}" for what in bad)
        words = f"The policy of {name} calls it not healthy ({told}): see mapsdb --show there."
        yield Finding("health", Outcome.WARN, subject, words)
    elif watched:
        yield Finding("health", Outcome.OK, subject, f"The policy of {name} calls it healthy.")


def judge_array(name: str, seen: ArraySeen) -> list[Finding]:
    """Findings about one array, as it was just read."""
    subject = Subject("array", name)
    found = [_state(name, subject, seen), *_read(name, subject, seen.unread), *_controllers(name, subject, seen)]
    found += [*_pools(name, seen), *_alarms(name, seen)]
    if seen.offset is not None and abs(seen.offset) > CLOCK_SECONDS:
        side = "ahead of" if seen.offset > 0 else "behind"
        words = f"The clock of {name} is {abs(seen.offset):.0f} s {side} the portal's: see its NTP."
        found.append(Finding("clock", Outcome.WARN, subject, words))
    return found


def _state(name: str, subject: Subject, seen: ArraySeen) -> Finding:
    if not seen.health or not seen.running:
        return Finding("state", Outcome.UNKNOWN, subject, f"{name} does not say how it is: see DeviceManager.")
    if seen.health in NORMAL["health"] and seen.running in NORMAL["running"]:
        return Finding("state", Outcome.OK, subject, f"{name} says that it is normal and running.")
    words = f"{name} has health code {seen.health} and running code {seen.running}: see DeviceManager."
    return Finding("state", Outcome.FAIL, subject, words)


def _controllers(name: str, subject: Subject, seen: ArraySeen) -> Iterator[Finding]:
    bad = [one for one in seen.controllers if one.health != "1" or one.running not in NORMAL["running"]]
    if bad:
        told = ", ".join(f"{one.ident} (health {one.health or '-'}, running {one.running or '-'})" for one in bad)
        yield Finding("controllers", Outcome.FAIL, subject, f"{name} has controllers that are not normal: {told}.")
    elif seen.controllers:
        words = f"Every one of the {len(seen.controllers)} controllers of {name} is normal."
        yield Finding("controllers", Outcome.OK, subject, words)


def _pools(name: str, seen: ArraySeen) -> Iterator[Finding]:
    """A pool that is full stops the writes of every thin LUN in it, of all databases at once."""
    for one in seen.pools:
        label = one.name or one.ident
        outcome, words = _pool(f"Pool {label} of {name}", one)
        yield Finding("pool", outcome, Subject("array", f"{name} pool {label}"[:120]), words)


def _pool(what: str, one: Pool) -> tuple[Outcome, str]:
    if not one.health or not one.running:
        return Outcome.UNKNOWN, f"{what} does not say how it is: see DeviceManager."
    if one.health != "1" or one.running not in (ONLINE, *BUSY):
        return Outcome.FAIL, f"{what} has health code {one.health} and running code {one.running}: see DeviceManager."
    if one.used is None:
        return Outcome.UNKNOWN, f"How full {what[0].lower()}{what[1:]} is, is not told."
    most = min(one.threshold or POOL_WARN, POOL_FULL)
    if one.used >= most:
        words = f"{what} is {one.used} % full: when it is full, no LUN in it takes a write. Extend it, or free space."
        return Outcome.FAIL if one.used >= POOL_FULL else Outcome.WARN, words
    if one.running in BUSY:
        return (
            Outcome.WARN,
            f"{what} is {BUSY[one.running]}, {one.used} % full: it has less protection until that ends.",
        )
    return Outcome.OK, f"{what} is {one.used} % full."


def _alarms(name: str, seen: ArraySeen) -> Iterator[Finding]:
    for alarm in seen.alarms:
        level = alarm.level
        if level is not None and level < WARNING:
            continue
        grave = level is None or level >= MAJOR
        words = f"{name} raises an alarm: {alarm.name or alarm.ident}. {alarm.suggestion or alarm.description}".strip()
        subject = Subject("array", f"{name} {alarm.ident}"[:120])
        yield Finding("alarm", Outcome.FAIL if grave else Outcome.WARN, subject, words)


def _read(name: str, subject: Subject, unread: Mapping[str, str]) -> Iterator[Finding]:
    if not unread:
        yield Finding("read", Outcome.OK, subject, f"Everything that the portal asks of {name} was answered.")
    for part, why in sorted(unread.items()):
        yield Finding("read", Outcome.UNKNOWN, Subject(subject.kind, f"{name} {part}"[:120]), why)
