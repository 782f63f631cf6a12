"""switchshow, fabricshow, islshow, trunkshow and version (facts/san.md 1.2)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from portal.connectors.san.reading.cli_text import WWN, bare, labelled, nothing, number
from portal.connectors.san.reading.leaves import Unreadable
from portal.kernel.san import Member, SwitchPort

_SPEED = re.compile(r"(?:N(\d+)|(\d+)G)")
_KIND = re.compile(r"([A-Z]{1,2})-Port", re.IGNORECASE)
_PROTOCOLS = frozenset({"FC", "VE", "FCIP"})


@dataclass(frozen=True)
class Shown:
    """What switchshow tells. unconfirmed: the fabric is being built, so the domain may change."""

    wwn: str
    name: str
    domain: int | None
    model: str
    state: str
    principal: bool | None
    cfg: str
    unconfirmed: bool = False
    ports: tuple[SwitchPort, ...] = ()
    head: Mapping[str, str] = field(default_factory=dict)


def switchshow(found: list[str]) -> Shown:
    """The switch and its ports. Raises Unreadable when it is not switchshow's output, or lists no port."""
    at = next((n for n, line in enumerate(found) if {"Media", "State"} <= set(line.split())), len(found))
    head = dict(labelled(line) for line in found[:at])
    key = WWN.search(head.get("switchwwn", ""))
    if key is None:
        raise Unreadable("it names no switch")
    names = found[at].split() if at < len(found) else []
    ports = tuple(port for line in found[at + 1 :] if (port := _port(names, line)) is not None)
    if not ports:
        raise Unreadable("it lists no port")
    domain, zoning = head.get("switchdomain", ""), head.get("zoning", "")
    unconfirmed = "unconfirmed" in domain
    in_effect = re.match(r"ON\s*\(([^)]*)\)", zoning)
    return Shown(
        wwn=bare(key.group()),
        name=head.get("switchname", ""),
        domain=None if unconfirmed else number(domain.split(" ")[0]),
        model=head.get("switchtype", ""),
        state=head.get("switchstate", "").split("(")[0].strip().lower(),
        principal={"principal": True, "subordinate": False}.get(head.get("switchrole", "").lower()),
        cfg=in_effect.group(1).strip() if in_effect else "",
        unconfirmed=unconfirmed,
        ports=ports,
        head=head,
    )


def _port(names: list[str], line: str) -> SwitchPort | None:
    """One line of the table, by the order of its header's names; None for what is no Fibre Channel port."""
    words = line.split()
    index = number(words[0]) if words else None
    protocol = next((n for n, word in enumerate(words) if word in _PROTOCOLS), None)
    if index is None or protocol is None or protocol < names.index("State"):
        return None
    state = words[names.index("State")].lower()
    speed = words[names.index("Speed")] if "Speed" in names else ""
    return _tail(SwitchPort(number=index, wwn="", state=state), " ".join(words[protocol + 1 :]), speed)


def _tail(port: SwitchPort, tail: str, speed: str) -> SwitchPort:
    """`F-Port  10:00:...`, `E-Port  10:00:... "SWA2" (upstream)`, `Disabled (Persistent)`, `(No POD License) ...`."""
    kind, rate = _KIND.search(tail), _SPEED.fullmatch(speed)
    off = "Disabled" in tail
    reason = re.search(r"Disabled\s*\(([^)]*)\)", tail)
    cut = re.search(r"segmented,?\s*\(?([^)]*)\)?", tail, re.IGNORECASE)
    return replace(
        port,
        kind=kind.group(1).upper() if kind else "",
        enabled=not off,
        persistent_disable="persistent" in tail.lower() if off else False,
        licensed=False if "POD License" in tail else None,
        gbit=float(rate.group(1) or rate.group(2)) if rate and port.state == "online" else None,
        neighbors=tuple(bare(word) for word in WWN.findall(tail)),
        why_disabled=reason.group(1) if reason else "",
        why_segmented=(cut.group(1).strip() or "segmented") if cut else "",
    )


def fabricshow(found: list[str]) -> tuple[Member, ...]:
    """The fabric's switches; > marks the principal. Raises Unreadable when none is listed, or fewer than are told."""
    listed = tuple(one for line in found if (one := _member(line)) is not None)
    told = next((number(line.split()[3]) for line in found if re.match(r"The Fabric has \d+ switch", line)), None)
    if not listed or (told is not None and told != len(listed)):
        raise Unreadable(f"{len(listed)} switches can be read of it, and it tells of {told or 'none'}")
    return listed


def _member(line: str) -> Member | None:
    words = line.split()
    key = WWN.search(line)
    domain = number(words[0].rstrip(":")) if words else None
    if key is None or domain is None:
        return None
    behind = line[key.end() :].split()
    name = re.search(r'"([^"]*)"', line)
    return Member(bare(key.group()), domain, name.group(1) if name else "", behind[0] if behind else "", '>"' in line)


@dataclass(frozen=True)
class Link:
    """An inter-switch link from this switch's side."""

    port: int
    peer_port: int
    peer: str
    gbit: float | None = None
    trunk: int | None = None


def islshow(found: list[str]) -> dict[int, Link]:
    """Port -> its link. Raises Unreadable when it is neither links nor the word that there are none."""
    links = {}
    for line in found:
        whole = re.match(r"\s*\d+:\s*(\d{1,5})\s*->\s*(\d{1,5})\s+(\S+)", line)
        if whole and WWN.fullmatch(whole.group(3)):
            speed = re.search(r"sp:\s*(\d+(?:\.\d+)?)G", line)
            port, peer = int(whole.group(1)), int(whole.group(2))
            links[port] = Link(port, peer, bare(whole.group(3)), float(speed.group(1)) if speed else None)
    if not links and found and not nothing(found):
        raise Unreadable("it lists no link and does not say that there is none")
    return links


def trunkshow(found: list[str]) -> dict[int, Link]:
    """Port -> its link with the number of its trunk; islshow shows a trunk's master only. Only the first line of a
    trunk bears the number. Raises Unreadable as islshow."""
    links: dict[int, Link] = {}
    trunk = 0
    for line in found:
        whole = re.match(r"\s*(?:(\d{1,5}):)?\s*(\d{1,5})\s*->\s*(\d{1,5})\s+(\S+)", line)
        if whole and WWN.fullmatch(whole.group(4)):
            trunk = int(whole.group(1) or trunk)
            links[int(whole.group(2))] = Link(
                int(whole.group(2)), int(whole.group(3)), bare(whole.group(4)), None, trunk
            )
    if not links and found and not nothing(found):
        raise Unreadable("it lists no trunk and does not say that there is none")
    return links


def version(found: list[str]) -> str:
    """The Fabric OS version: `Fabric OS:  v8.2.3c1`. Raises Unreadable without it."""
    told = dict(labelled(line) for line in found).get("fabric os", "")
    if not told:
        raise Unreadable("it names no Fabric OS version")
    return told
