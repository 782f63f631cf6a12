"""Every rule of facts/san.md 3.4: one estate that breaks it, and none of it in the sound one."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import pytest

from inventory.redundancy.estate import Estate, Use
from inventory.redundancy.lint import RULES, lint
from inventory.redundancy.lint.document import document
from inventory.redundancy.proof import prove
from portal.kernel.outcome import Outcome
from portal.kernel.san import Member, Pair, Sfp, Zone
from tests.redundancy.cabling_breaks import BROKEN as BROKEN_CABLING
from tests.redundancy.lint_page import PAGE
from tests.redundancy.san_world import DR, PROD, A, B, World, changed, lun, standard

H1, H2 = "olvm-h1", "olvm-h2"
HBA1A, HBA1B, HBA2A = "100000109ba10100", "100000109ba20100", "100000109ba10200"
PORT0 = "20083400a30d0001"
Broken = Estate | tuple[Estate, Estate | None]


def sound() -> Estate:
    return standard().estate()


def found(estate: Estate, rule: str, before: Estate | None = None):
    return [one for one in lint(estate, before) if one.rule == rule]


def ports(estate: Estate, wwn: str, number: int, **changes) -> Estate:
    """One switch port told otherwise."""
    switch = next(one for one in estate.switches if one.wwn == wwn)
    return changed(estate, wwn, ports=tuple(replace(p, **changes) if p.number == number else p for p in switch.ports))


def zoning(estate: Estate, wwn: str, **changes) -> Estate:
    switch = next(one for one in estate.switches if one.wwn == wwn)
    return changed(estate, wwn, zoning=replace(switch.zoning, **changes))


def effective(estate: Estate, *more: Zone) -> Estate:
    """Zones added on A to both configurations."""
    zones = next(one for one in estate.switches if one.wwn == A).zoning
    names = (*zones.cfgs["CFG_FAB_A"], *(zone.name for zone in more))
    return zoning(
        estate, A, effective=(*zones.effective, *more), defined=(*zones.defined, *more), cfgs={"CFG_FAB_A": names}
    )


def array(estate: Estate, serial: str):
    return next(one for one in estate.arrays if one.serial == serial)


def world(change: Callable[[World], object]) -> Estate:
    made = standard()
    change(made)
    return made.estate()


def hba_down(made: World) -> None:
    made.hbas[1].up = False


def target_down(made: World) -> None:
    made.targets[0].up = False


def unzoned(made: World) -> None:
    """olvm-h1 keeps PROD on B alone."""
    made.defined = set(made.zoned)
    made.zoned = {pair for pair in made.zoned if not (pair[0] == HBA1A and pair[1].endswith("0001"))}


def two_name_servers() -> Estate:
    estate = sound()
    login = estate.switches[0].logins[0]
    return changed(estate, B, logins=(*estate.switches[1].logins, login))


def merged() -> tuple[Estate, Estate]:
    before = sound()
    return changed(before, A, members=(*before.switches[0].members, Member(B, 2, "SWB1"))), before


def typing_mistake() -> Estate:
    estate = sound()
    zones = estate.switches[0].zoning
    wrong = tuple(
        replace(zone, members=tuple("100000109ba1f100" if m == HBA1A else m for m in zone.members))
        for zone in zones.effective
    )
    return zoning(estate, A, effective=wrong)


def without_zone(kind: str) -> Estate:
    estate = sound()
    zones = estate.switches[0].zoning
    return zoning(estate, A, **{kind: getattr(zones, kind)[1:]})


def other_members() -> Estate:
    estate = sound()
    zones = estate.switches[0].zoning
    first = replace(zones.defined[0], members=zones.defined[0].members[:-1])
    return zoning(estate, A, defined=(first, *zones.defined[1:]))


def initiators(change: Callable) -> Estate:
    estate = sound()
    told = array(estate, PROD).initiators
    return changed(estate, PROD, initiators=tuple(new for one in told if (new := change(one)) is not None))


def counted(new: int, old: int, name: str = "crc-errors") -> tuple[Estate, Estate]:
    now, before = sound(), replace(sound(), at=sound().at - 300)
    return changed(now, A, counters={0: {name: new}}), changed(before, A, counters={0: {name: old}})


def light(**changes) -> Estate:
    return changed(sound(), A, sfps=(Sfp(0, **{"rx_dbm": -13.0, "tx_dbm": -2.0, "rx_low_alarm": -12.0, **changes}),))


def one_host_only(made: World) -> None:
    made.given = {given for given in made.given if given[1] != lun(1) or given[0] == H1}
    made.uses = (Use("HostedEngine", (f"3{lun(1)}",), (H1, H2), hosted_engine=True),)


def other_number() -> Estate:
    estate = sound()
    told = array(estate, PROD).mapped
    return changed(estate, PROD, mapped=(replace(told[0], host_lun_id=77), *told[1:]))


def replicated(primary: bool = False, kind: str = "replication") -> Estate:
    number = next(one.ident for one in array(sound(), DR).luns if one.wwn == lun(2, DR))
    other = next(one.ident for one in array(sound(), PROD).luns if one.wwn == lun(2))
    pair = Pair("p1", kind, number, other, PROD, primary, True, "1", "1", secondary_access="2")
    return changed(sound(), DR, pairs=(pair,))


def lost_on_host(made: World) -> None:
    made.lost = {pair for pair in made.zoned if pair[0] == HBA1A and pair[1] == PORT0}


def denied() -> Estate:
    estate = sound()
    links = array(estate, PROD).links
    return changed(estate, PROD, links=links[1:])


def undesigned() -> Estate:
    """Effective and working, not in the defined configuration."""
    return without_zone("defined")


def agreed(*pairs: tuple[str, str]) -> Estate:
    estate = sound()
    declared = replace(estate.declared, paths={(H1, f"3{lun(1)}"): frozenset(pairs)})
    return replace(estate, declared=declared)


def ranked(*priorities: int | None, **changes) -> Estate:
    """The paths of the first LUN of olvm-h1, by turns with these priorities."""
    estate = sound()
    first, *others = estate.hosts
    assert first.name == H1
    turns = itertools.cycle(priorities)
    told = tuple(
        replace(one, priority=next(turns), **changes) if one.wwid == f"3{lun(1)}" else one for one in first.paths
    )
    return replace(estate, hosts=(replace(first, paths=told), *others))


def firmware() -> Estate:
    return changed(sound(), B, firmware="v9.1.1b")


BROKEN: dict[str, Callable[[], Broken]] = {
    "INITIATOR_SINGLE_FABRIC": lambda: world(hba_down),
    "HBA_IN_TWO_FABRICS": two_name_servers,
    "FABRICS_MERGED": merged,
    "MULTI_INITIATOR_ZONE": lambda: effective(sound(), Zone("Z_BIG", (HBA1A, HBA2A, PORT0))),
    "MIXED_ARRAY_ZONE": lambda: effective(sound(), Zone("Z_MIX", (HBA1A, PORT0, "20083400a30d0002"))),
    "TARGET_TARGET_ONLY": lambda: effective(sound(), Zone("Z_TT", (PORT0, "20083400a30d0002"))),
    "STALE_WWPN": lambda: replace(
        effective(sound(), Zone("Z_OLD", ("10000000c9000001", PORT0))),
        last_seen={"10000000c9000001": sound().at - 40 * 86400},
    ),
    "UNKNOWN_WWPN": lambda: effective(sound(), Zone("Z_NOBODY", ("10000000c9000001", PORT0))),
    "ALIAS_TYPO": typing_mistake,
    "ALIAS_WRONG_HOST": lambda: zoning(sound(), A, aliases={"olvm-h1_hba0": (HBA2A,)}),
    "ALIAS_UNRESOLVED": lambda: effective(sound(), Zone("Z_NAME", ("olvm_h1_hba0", PORT0))),
    "ALIAS_DUP": lambda: zoning(sound(), A, aliases={"one": (HBA1A,), "other": (HBA1A,)}),
    "DEFINED_NOT_EFFECTIVE": lambda: without_zone("effective"),
    "EFFECTIVE_NOT_DEFINED": lambda: without_zone("defined"),
    "DEFINED_DIFFERS": other_members,
    "DEFINED_CFG_NAME": lambda: zoning(sound(), A, cfgs={"CFG_OLD": ("Z",)}),
    "DEFAULT_ZONE_ALL_ACCESS": lambda: zoning(sound(), A, all_access=True),
    "OPEN_TRANSACTION": lambda: zoning(sound(), A, transaction=True, holder="admin"),
    "ARRAY_NOT_ZONED_ON_FABRIC": lambda: world(unzoned),
    "CONTROLLER_NOT_ZONED": lambda: world(lambda made: made.zoned.discard((HBA1A, PORT0))),
    "ZONED_NOT_LOGGED_IN": lambda: world(target_down),
    "LOGGED_IN_NOT_ZONED": typing_mistake,
    "LOGGED_IN_NOT_ON_ARRAY": lambda: initiators(lambda one: replace(one, host="") if one.wwpn == HBA1A else one),
    "INITIATOR_ON_WRONG_HOST": lambda: initiators(lambda one: replace(one, host="1") if one.wwpn == HBA1A else one),
    "PORT_ZONED": lambda: effective(sound(), Zone("Z_PORT", ("1,0", PORT0))),
    "SPEED_MISMATCH": lambda: ports(sound(), A, 0, gbit=16.0),
    "ERRORS_RISING": lambda: counted(7, 5),
    "SFP_WEAK": light,
    "PERSISTENT_DISABLE": lambda: ports(sound(), A, 0, persistent_disable=True),
    "LUN_MAPPED_TO_ONE_HOST": lambda: world(one_host_only),
    "HOST_LUN_ID_DIFFERS": other_number,
    "SECONDARY_MAPPED_TO_PROD_HOSTS": replicated,
    "PATHS_SEEN_BELOW_DESIGNED": lambda: world(target_down),
    "DECLARED_NOT_DESIGNED": lambda: agreed((HBA1A, PORT0), (HBA1A, "20093400a30d0001")),
    "DESIGNED_NOT_LOGGED_IN": lambda: world(target_down),
    "LOGGED_IN_NOT_DESIGNED": undesigned,
    "LOGGED_IN_NOT_SEEN": lambda: world(lost_on_host),
    "SEEN_NOT_LOGGED_IN": denied,
    "HOSTS_UNLIKE": lambda: world(lost_on_host),
    "PRIORITIES_DIFFER": lambda: ranked(50, 10),
    "FIRMWARE_DIFFERS": firmware,
    "UNREAD": lambda: changed(sound(), A, unread={"counters": "503 Service Unavailable."}),
    **BROKEN_CABLING,
}


def test_a_sound_estate_breaks_no_rule():
    assert lint(sound(), replace(sound(), at=sound().at - 300)) == []
    assert lint(standard(isl=True).estate()) == []


def test_every_rule_is_tried_here():
    assert {rule.ident for rule in RULES} == set(BROKEN)
    assert len({rule.ident for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("rule", BROKEN)
def test_rule(rule):
    made = BROKEN[rule]()
    estate, before = made if isinstance(made, tuple) else (made, None)
    breaches = found(estate, rule, before)
    assert breaches
    for one in breaches:
        assert one.sentence.endswith((".", ")"))
        assert one.objects
        assert one.evidence
        assert all(source and raw for source, raw in one.evidence)
        assert one.key.startswith(f"{rule}:")
    assert len({one.key for one in breaches}) == len(breaches)


def test_the_worst_comes_first():
    estate = zoning(world(target_down), A, transaction=True)
    severities = [one.severity for one in lint(estate)]
    assert severities == sorted(severities, key=[Outcome.FAIL, Outcome.UNKNOWN, Outcome.WARN].index)
    assert {Outcome.FAIL, Outcome.WARN} <= set(severities)
    assert lint(estate) == lint(estate, None, prove(estate))


def test_the_page_is_current():
    assert PAGE.read_text("utf-8") == document(), "write it anew: python -m tests.redundancy.lint_page"
