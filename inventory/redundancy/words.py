"""The sentences of the proof: what is, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from inventory.redundancy.elements import Element, Kind
from inventory.redundancy.estate import Missing
from inventory.redundancy.judge import Judged, Word
from inventory.redundancy.layers import HostLun
from portal.kernel.outcome import Outcome

Label = Callable[[Element], str]

# The widest first: when a fabric and everything in it are shared, the fabric is the word for it.
_WIDE = (
    Kind.SITE,
    Kind.ROOM,
    Kind.FEED,
    Kind.PDU,
    Kind.RACK,
    Kind.CHASSIS,
    Kind.FABRIC,
    Kind.SWITCH,
    Kind.ARRAY,
    Kind.CONTROLLER,
    Kind.CARD,
    Kind.TRUNK,
    Kind.LINK,
    Kind.MODULE,
    Kind.HBA,
    Kind.ARRAY_PORT,
    Kind.SWITCH_PORT,
    Kind.HOST,
)
RANK = {Outcome.FAIL: 0, Outcome.UNKNOWN: 1, Outcome.WARN: 2, Outcome.OK: 3}


def widest(elements: Iterable[Element]) -> list[Element]:
    """The widest first."""
    return sorted(elements, key=lambda one: (_WIDE.index(one.kind), one.key))


def cell(one: HostLun, label: Label) -> str:
    """One LUN on one host."""
    live, name, host = one.live, one.name, one.host
    if live.word is Word.UNKNOWN:
        return f"Whether {name} on {host} survives a single loss is not known: {_why(live)}"
    if live.word is Word.NO_PATH:
        return f"{name} has no live path on {host}: compare its mapping, zoning and cabling."
    if live.word is Word.FAIL:
        return _cut(live, name, host, label)
    if live.uneven:
        words = f"keeps {live.residual} of {live.pairs} paths at worst, but {live.uneven}: see what is missing."
        return f"{name} on {host} {words}"
    if live.word is Word.PASS:
        first = label(widest(live.worst)[0])
        words = f"is left with {live.residual} of {live.pairs} path{_s(live.pairs)} when {first} dies"
        return f"{name} on {host} {words}: a second loss then cuts it. Give it more paths."
    return f"{name} on {host} keeps {live.residual} of {live.pairs} paths whatever single element dies."


def _cut(live: Judged, name: str, host: str, label: Label) -> str:
    if not live.points:
        return f"All paths of {name} on {host} share an element, whatever was not read: {_why(live)}"
    first, *others = widest(live.points)
    more = f" It hangs on {len(others)} more element{_s(len(others))}, too." if others else ""
    every = "its only path" if live.pairs == 1 else f"all its {live.pairs} paths"
    return f"If {label(first)} dies, {name} loses {every} on {host}.{more}"


def _why(live: Judged) -> str:
    words = next(iter(live.why), "")
    return words if words.endswith((".", "!")) else f"{words}."


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def ranked(cells: Iterable[HostLun]) -> list[HostLun]:
    """The worst first, stable otherwise."""
    return sorted(cells, key=lambda one: RANK[one.outcome])


def some(cells: Sequence[HostLun], label: Label, what: str) -> str:
    """The worst of several; `what` names them in the plural ("hosts", "LUNs")."""
    if not cells:
        return f"No {what.removesuffix('s')} is known for it, so nothing is proven."
    order = ranked(cells)
    first = order[0]
    alike = sum(1 for one in cells if one.outcome is first.outcome) - 1
    if first.outcome is Outcome.OK:
        least = min(cells, key=lambda one: one.live.residual)
        if alike == 0:
            return cell(first, label)
        return f"Whatever single element dies, each of {len(cells)} {what} keeps at least {least.live.residual} paths."
    said = sentence(first, label)
    return f"{said} {alike} more of {len(cells)} {what} stand{_s_verb(alike)} as badly." if alike else said


def sentence(one: HostLun, label: Label) -> str:
    """One LUN on one host, with what its design lacks when that alone is what there is to say."""
    if one.outcome is not one.live.outcome:
        return (
            f"{one.name} on {one.host} works by what is in effect, but not by its design: with the defined zoning "
            "a single loss cuts it. Compare the layers before anybody enables that configuration."
        )
    return cell(one, label)


def estate(cells: Sequence[HostLun], label: Label, missing: Sequence[Missing]) -> str:
    """Everything in one sentence or two."""
    lost = f" {missing[0].kind.capitalize()} {missing[0].name}: {missing[0].why}" if missing else ""
    if not cells:
        return f"No host has a LUN, so nothing is proven.{lost}"
    cut = [one for one in cells if one.outcome is Outcome.FAIL]
    if cut:
        return f"{_stand(cut)}. {sentence(cut[0], label)}{lost}"
    order = ranked(cells)
    if order[0].outcome is not Outcome.OK:
        alike = sum(1 for one in cells if one.outcome is order[0].outcome) - 1
        more = f" {alike} more of {len(cells)} pairs of host and LUN stand{_s_verb(alike)} as badly." if alike else ""
        return f"{sentence(order[0], label)}{more}{lost}"
    least = min(one.live.residual for one in cells)
    counted = f"{len({one.wwid for one in cells})} LUNs on {len({one.host for one in cells})} hosts"
    return f"Whatever single element dies, each of {counted} keeps at least {least} paths.{lost}"


def _stand(cut: Sequence[HostLun]) -> str:
    """How many LUNs hang on how many elements, have no path, or fail by their design alone; without the full stop."""
    points = {point for one in cut for point in one.live.points}
    luns, hosts = len({one.wwid for one in cut}), len({one.host for one in cut})
    where, alone = f"{luns} LUN{_s(luns)} on {hosts} host{_s(hosts)}", luns == 1
    said = [f"hang{'s' if alone else ''} on {len(points)} single element{_s(len(points))}"] if points else []
    if any(one.live.outcome is Outcome.FAIL and not one.live.points for one in cut):
        said.append("has no path" if alone else "have no path")
    if any(one.live.outcome is not Outcome.FAIL for one in cut):
        said.append("fails by its design" if alone else "fail by their design")
    return f"{where} {' or '.join(said)}"


def _s_verb(count: int) -> str:
    return "s" if count == 1 else ""


def own(label: str, array: bool) -> str:
    """What dies with a host, or with an array: what no number of paths can keep."""
    if array:
        return f"If {label} dies, the LUNs that it alone serves die with it; only a copy elsewhere survives that."
    return f"If {label} dies, its own paths die with it; its VMs need another host that has their LUNs."


def domain(label: str, hosts: int, arrays: int, cuts: Sequence[HostLun], hit: int) -> str:
    """What dies with something that holds or feeds others. hosts, arrays: how many of them it takes along."""
    taken = [f"{count} {what}{_s(count)}" for count, what in ((hosts, "host"), (arrays, "array")) if count]
    if not taken:
        return element(label, cuts, hit)
    many = hosts + arrays > 1
    words = f"If {label} dies, {' and '.join(taken)} die{'' if many else 's'} with it"
    words += ", and VMs need another host" if hosts else ""
    if not cuts:
        return f"{words}; no other LUN loses its last path."
    return f"{words}. {element(label, cuts, hit)}"


def element(label: str, cuts: Sequence[HostLun], hit: int) -> str:
    """What dies with one element."""
    if not cuts:
        return f"If {label} dies, {hit} LUN{_s(hit)} on their hosts lose paths, none its last."
    names = list(dict.fromkeys(one.name for one in cuts))
    more = f" and {len(names) - 1} more LUN{_s(len(names) - 1)}" if len(names) > 1 else ""
    hosts = sorted({one.host for one in cuts})
    where = f"on {hosts[0]}" if len(hosts) == 1 else f"on {len(hosts)} hosts"
    return f"If {label} dies, {names[0]}{more} {'loses' if not more else 'lose'} all paths {where}."
