"""Rules on ports: speed, errors, light, what was switched off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from inventory.redundancy.lint.rule import Found
from inventory.redundancy.lint.scene import Scene
from portal.kernel.outcome import Outcome
from portal.kernel.san import SwitchPort, SwitchSeen

# Counters that stand still on a sound link (facts/san.md 1.1, 3.4), and how many new ones in an interval tell.
# encoding-errors-outside-frame rises by itself while a port comes up.
RISING: Mapping[str, int] = {
    "in-crc-errors": 1,
    "crc-errors": 1,
    "bad-eofs-received": 1,
    "encoding-errors-outside-frame": 100,
    "loss-of-sync": 1,
    "loss-of-signal": 1,
    "link-failures": 1,
    "pcs-block-errors": 1,
    "class3-in-discards": 1,
    "class3-out-discards": 1,
    "class-3-discards": 1,
}
# Waiting for credit is normal in short bursts: ticks of 2.5 us that make more than a twentieth of the interval are not.
CREDIT, TICK, SHARE = "bb-credit-zero", 2.5e-6, 0.05


def speed(scene: Scene) -> Iterator[Found]:
    """A link slower than its port can."""
    for switch, port in scene.ports():
        if (
            port.state == "online"
            and port.gbit is not None
            and port.most_gbit is not None
            and port.gbit < port.most_gbit
        ):
            who = f" ({scene.name(port.neighbors[0])})" if port.neighbors else ""
            words = (
                f"Port {port.number} of {switch.name}{who} runs at {port.gbit:g}G and can {port.most_gbit:g}G: see "
                "the optic and the setting at the other end."
            )
            evidence = ((switch.name, f"port {port.number}: {port.gbit:g}G of {port.most_gbit:g}G"),)
            yield Found((switch.name, str(port.number)), evidence, words)
    for array, target in scene.targets.values():
        if target.running == "10" and target.gbit and target.most_gbit and target.gbit < target.most_gbit:
            words = f"{scene.name(target.wwpn)} runs at {target.gbit:g}G and can {target.most_gbit:g}G: see its optic."
            yield Found((array.name, target.wwpn), ((array.name, f"{target.gbit:g}G"),), words)


def errors(scene: Scene) -> Iterator[Found]:
    """Errors that are new since the look before. A counter that fell was cleared: that interval says nothing."""
    if scene.before is None:
        return
    seconds = scene.estate.at - scene.before.at
    for switch in scene.estate.switches:
        earlier = scene.earlier_switches.get(switch.wwn)
        for port in switch.ports if earlier else ():
            assert earlier is not None
            new = rises(switch, earlier, port.number, seconds)
            if new:
                yield _rising(scene, switch, port, new, seconds)
    for array, target in scene.targets.values():
        before = scene.earlier_arrays.get(array.serial)
        old = next((one.errors for one in before.ports if one.wwpn == target.wwpn), None) if before else None
        told = {name: count - old.get(name, count) for name, count in target.errors.items()} if old is not None else {}
        grown = {name: count for name, count in told.items() if count > 0}
        if grown and all(count >= 0 for count in told.values()):
            said = ", ".join(f"{name} +{count}" for name, count in grown.items())
            words = f"{scene.name(target.wwpn)} counts new errors ({said} in {seconds:.0f} s): see cable and optic."
            yield Found((array.name, target.wwpn), ((array.name, said),), words)


def rises(now: SwitchSeen, before: SwitchSeen, number: int, seconds: float) -> dict[str, int]:
    """Counter -> how many new, for those that a sound link does not have; nothing across a clearing."""
    new, old = now.counters.get(number, {}), before.counters.get(number, {})
    grown = {name: count - old[name] for name, count in new.items() if name in old}
    watched = {name: count for name, count in grown.items() if name in RISING or name == CREDIT}
    if now.cleared.get(number) != before.cleared.get(number) or any(count < 0 for count in watched.values()):
        return {}
    most = max(seconds, 1.0) * SHARE / TICK
    return {name: count for name, count in watched.items() if count >= RISING.get(name, most)}


def _rising(scene: Scene, switch: SwitchSeen, port: SwitchPort, new: Mapping[str, int], seconds: float) -> Found:
    said = ", ".join(f"{name} +{count}" for name, count in new.items())
    who = f" ({scene.name(port.neighbors[0])})" if port.neighbors else ""
    credit = set(new) == {CREDIT}
    advice = (
        "the other end takes frames too slowly: look for its load" if credit else "see cable and optic at both ends"
    )
    words = f"Port {port.number} of {switch.name}{who} counts new errors ({said} in {seconds:.0f} s): {advice}."
    return Found((switch.name, str(port.number)), ((f"counters of {switch.name}", said),), words)


def weak_light(scene: Scene) -> Iterator[Found]:
    """Received light below the optic's own limits, on ports that are online."""
    for switch in scene.estate.switches:
        online = {port.number for port in switch.ports if port.state == "online"}
        for optic in switch.sfps:
            rx, alarm, warning = optic.rx_dbm, optic.rx_low_alarm, optic.rx_low_warning
            if optic.number not in online or rx is None:
                continue
            limit = next((one for one in (alarm, warning) if one is not None and rx < one), None)
            if limit is None:
                continue
            words = (
                f"The optic of port {optic.number} of {switch.name} receives {rx:.1f} dBm, below its limit of "
                f"{limit:.1f}: clean or change cable and optic at both ends."
            )
            evidence = ((f"optics of {switch.name}", f"port {optic.number}: rx {rx:.1f} dBm"),)
            severity = Outcome.FAIL if limit == alarm else None
            yield Found((switch.name, str(optic.number)), evidence, words, severity)


def persistent_disable(scene: Scene) -> Iterator[Found]:
    """A port that stays off after a reboot, though something belongs on it."""
    wanted = set(scene.estate.declared.cabling.values())
    for switch, port in scene.ports():
        earlier = scene.earlier_switches.get(switch.wwn)
        before = {one.number for one in earlier.ports if one.neighbors} if earlier else set()
        if port.persistent_disable and (port.wwn in wanted or port.number in before or port.name):
            what = f" ({port.name})" if port.name else ""
            words = (
                f"Port {port.number} of {switch.name}{what} is disabled for good and something belongs on it: "
                "enable it, or take its name and cable away."
            )
            evidence = ((switch.name, f"port {port.number}: persistent-disable 1"),)
            yield Found((switch.name, str(port.number)), evidence, words)
