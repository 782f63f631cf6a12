"""Rules on the declared cabling: what is plugged in otherwise, what is missing, what nobody declared. Without a plan
none of them says anything."""

from __future__ import annotations

from collections.abc import Iterator

from inventory.redundancy.fabrics import Cable as Found_
from inventory.redundancy.fabrics import Fabric
from inventory.redundancy.lint.rule import Found
from inventory.redundancy.lint.scene import Scene
from inventory.redundancy.plan import Plan
from inventory.redundancy.planned import cables, place_words
from portal.kernel.outcome import Outcome

SOURCE = "declared cabling"
NAMES = 6  # in a sentence


def elsewhere(scene: Scene) -> Iterator[Found]:
    """A port that is plugged in where the plan has another one."""
    for one in cables(scene.proof):
        if one.standing in ("elsewhere", "other fabric"):
            yield Found(
                (one.cable.wwpn, one.cable.place),
                ((SOURCE, one.cable.place), ("name server", one.where)),
                one.sentence,
                Outcome.FAIL if one.standing == "other fabric" else None,
            )


def absent(scene: Scene) -> Iterator[Found]:
    """A declared cable that carries nobody, though its switch was read."""
    for one in cables(scene.proof):
        if one.standing == "not logged in":
            told = ", ".join(one.taken) or "nobody"
            evidence = ((SOURCE, one.cable.place), (f"name server beside {one.cable.line.at}", told))
            yield Found((one.cable.wwpn, one.cable.place), evidence, one.sentence)


def taken(scene: Scene) -> Iterator[Found]:
    """Somebody else on a declared port, while its own end is plugged in elsewhere."""
    planned = {one.cable.wwpn for one in cables(scene.proof)}
    for one in cables(scene.proof):
        strange = [wwpn for wwpn in one.taken if wwpn not in planned]
        if strange and one.standing != "not logged in":
            who = scene.name(strange[0])
            words = f"{one.cable.place} is for {one.cable.wwpn} by the plan and has {who}: declare it, or unplug it."
            evidence = ((SOURCE, one.cable.wwpn), ("name server", ", ".join(strange)))
            yield Found((one.cable.place, *strange), evidence, f"{words[:1].upper()}{words[1:]}")


def undeclared(scene: Scene) -> Iterator[Found]:
    """A port of a host or an array that is plugged in and stands in no plan."""
    plan = _plan(scene)
    if plan is None or not plan.cables:
        return
    known = {one.wwpn for one in plan.cables}
    for fabric, login in scene.logged_in():
        ours = login.wwpn in scene.owners or login.wwpn in scene.targets
        if ours and login.wwpn not in known:
            where = place_words(fabric, login.fabric_port) or f"fabric {fabric.name}"
            words = f"{scene.name(login.wwpn)} is plugged into {where} and is not declared: declare it, or unplug it."
            yield Found((login.wwpn,), (("name server", where), (SOURCE, "nothing")), words)


def links_missing(scene: Scene) -> Iterator[Found]:
    """A declared link that both its switches lack, or one of them of which all was read."""
    plan = _plan(scene)
    for link in plan.links if plan else ():
        fabric = next((one for one in scene.fabrics if link.ends[0][0] in one.switches), None)
        if fabric is None or "ports" in fabric.why or not all(wwn for wwn, _ in link.ends):
            continue
        if not any(_same(cable, link.ends) for cable in fabric.cables):
            line = link.line
            words = (
                f"The link from port {line.port} of {line.name} to port {line.at_port} of {line.at} is declared and is "
                "not up: see its cable and both ports, or change the plan."
            )
            evidence = ((SOURCE, "a link"), (f"ports of {fabric.name}", f"{len(fabric.cables)} links, not this one"))
            yield Found((f"{line.name}:{line.port}", f"{line.at}:{line.at_port}"), evidence, words)


def links_undeclared(scene: Scene) -> Iterator[Found]:
    """A link that nobody declared."""
    plan = _plan(scene)
    if plan is None or not (plan.links or plan.cables):
        return
    for fabric in scene.fabrics:
        for cable in fabric.cables:
            if not any(_same(cable, link.ends) for link in plan.links):
                ends = [f"{_port(number)} of {fabric.names.get(wwn, wwn)}" for wwn, number in (cable.a, cable.b)]
                words = f"{ends[0]} is linked with {ends[1]}, which is not declared: declare the link, or take it out."
                objects = tuple(f"{wwn}:{number}" for wwn, number in (cable.a, cable.b))
                yield Found(objects, ((f"ports of {fabric.name}", "a link"), (SOURCE, "nothing")), words)


def _port(number: int | None) -> str:
    return "A port" if number is None else f"Port {number}"


def _same(cable: Found_, ends: tuple[tuple[str, int], tuple[str, int]]) -> bool:
    """An end that was not read may be any port of its switch."""

    def fits(told: tuple[str, int | None], declared: tuple[str, int]) -> bool:
        return told[0] == declared[0] and told[1] in (None, declared[1])

    one, other = ends
    return (fits(cable.a, one) and fits(cable.b, other)) or (fits(cable.a, other) and fits(cable.b, one))


def fabrics(scene: Scene) -> Iterator[Found]:
    """Switches that are declared apart and are joined, or declared together and are apart."""
    plan = _plan(scene)
    if plan is None:
        return
    homes: dict[str, list[Fabric]] = {}
    for fabric in scene.fabrics:
        labels = sorted({plan.fabrics[wwn] for wwn in fabric.switches if wwn in plan.fabrics})
        for label in labels:
            homes.setdefault(label, []).append(fabric)
        if len(labels) > 1:
            words = (
                f"{fabric.name} is one fabric and is declared as {' and '.join(labels)}: a fault of one takes both. "
                "Take the link between them out."
            )
            yield Found((fabric.name, *labels), ((SOURCE, ", ".join(labels)), ("switches", fabric.key)), words)
    for label, found in sorted(homes.items()):
        if len(found) > 1 and not any("extent" in one.why for one in found):
            names = [one.name for one in found]
            words = f"Fabric {label} is declared as one, and {' and '.join(names)} are not joined: see their links."
            yield Found((label, *names), ((SOURCE, label), ("switches", ", ".join(names))), words, Outcome.WARN)


def cards(scene: Scene) -> Iterator[Found]:
    """A port on another card than the plan has it."""
    plan = _plan(scene)
    told = {hba.wwpn: hba.card.split(".")[0] for host in scene.estate.hosts for hba in host.hbas if hba.card}
    for one in plan.cables if plan else ():
        card = told.get(one.wwpn, "")
        if one.line.card and card and card != one.line.card:
            words = (
                f"{one.wwpn} of {one.line.name} is on card {card} and is declared on card {one.line.card}: which ports "
                "die with a card is not what was planned. Change the plan, or the cards."
            )
            yield Found((one.wwpn, card), ((SOURCE, one.line.card), (one.line.name, card)), words)


def strange_names(scene: Scene) -> Iterator[Found]:
    """Names that nobody of the estate has."""
    plan = _plan(scene)
    for name, kind in sorted(plan.strange.items()) if plan else ():
        words = f"The plan names {name} ({kind}), which nobody of the estate is: what stands on it is not in the proof."
        yield Found((name,), ((SOURCE, kind),), f"{words} Correct the name, or watch what has it.")


def unfed(scene: Scene) -> Iterator[Found]:
    """Once power is declared, what has none leaves open whether a feed takes it along."""
    plan = _plan(scene)
    if plan is None or not plan.unfed:
        return
    shown = ", ".join(plan.unfed[:NAMES]) + (f" and {len(plan.unfed) - NAMES} more" if len(plan.unfed) > NAMES else "")
    words = f"The power of {shown} is not declared, so what a dead feed takes along is not known: declare it."
    yield Found(("power",), ((SOURCE, f"{len(plan.unfed)} without a supply"),), words)


def _plan(scene: Scene) -> Plan | None:
    return scene.estate.declared.plan
