"""Pairs from both arrays' words: every state, both directions, silence, disagreement, and the age of the copy."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

import pytest

from inventory.verdicts.replication import Declared, groups, judge, one_group
from inventory.verdicts.replication_map import Mirror, drift, mirrors, silence
from inventory.verdicts.replication_pairs import Asked
from inventory.verdicts.replication_words import ACCESS, HEALTH, METRO, REPLICATION, means
from portal.connectors.san.reading import array_access, array_hardware, array_replication
from portal.connectors.san.reading.array_body import heard, listed, one
from portal.kernel.outcome import Outcome, worst
from portal.kernel.san import ArrayLun, ArraySeen, Pair
from tests.samples_dir import TOP

ENDED = 1_763_802_060.0  # of the samples
NOW = ENDED + 60
P, D = "2102353XYZ00000001", "2102353XYZ00000002"
WWN = "63400a31000d000{}0a1b2c3d0000000{}"


def data(name):
    return heard(200, (TOP / "san" / "dorado-rest" / f"{name}.json").read_bytes()).data


def sample(side, offset=0.0):
    system = array_hardware.system(one(data(f"{side}-system")))
    return ArraySeen(
        system.serial,
        system.name,
        luns=array_access.luns(listed(data(f"{side}-lun"))),
        pairs=array_replication.pairs(listed(data(f"{side}-REPLICATIONPAIR"))),
        offset=offset,
    )


def asked(seen):
    return Asked(seen.serial, seen.name, seen)


def both(prod=None, dr=None, offset=0.0, **changes):
    """The first pair of the samples alone, with changes to one view or to both."""
    sides = []
    for side, own in (("prod", prod or {}), ("dr", dr or {})):
        seen = sample(side, offset)
        sides.append(asked(replace(seen, pairs=(replace(seen.pairs[0], **(changes | own)),))))
    return sides


def only(sides, **kwargs):
    (judged,) = judge(sides, kwargs.pop("now", NOW), **kwargs)
    return judged


def checks(judged, *outcomes):
    return {one.check.removeprefix("replication_") for one in judged.findings if one.outcome in outcomes}


def bad(judged):
    return checks(judged, Outcome.FAIL, Outcome.WARN, Outcome.UNKNOWN)


def test_the_samples_are_well_and_lose_nothing():
    judged = judge([asked(sample("prod")), asked(sample("dr"))], NOW, Declared(P, 0))
    assert [one.outcome for one in judged] == [Outcome.OK] * 3
    first = judged[0]
    assert first.sentence == (
        "ora_data01 on DORADO-PROD to ora_data01_dr on DORADO-DR is replicated (synchronous): normal. "
        "What would be lost now: 0 s."
    )
    assert (first.loss.seconds, first.loss.consistent_at, first.state, first.group) == (0.0, NOW, "normal", "CG_ORA")
    assert (first.primary.serial, first.secondary.wwn) == (P, WWN.format(2, 2))
    assert first.key == f"{P}:2 {D}:2"
    assert {one.subject.key for one in first.findings} == {"3" + WWN.format(1, 2)}
    (group,) = groups(judged)
    assert (group.outcome, group.sentence) == (
        Outcome.OK,
        "All 3 LUNs of consistency group CG_ORA are normal and run one way.",
    )


@pytest.mark.parametrize("code", [*REPLICATION, "77", ""])
def test_every_state_is_said_and_only_normal_ones_are_green(code):
    judged = only(both(running=code), declared=Declared("", 0))
    word = means(code, REPLICATION).word
    assert judged.state == word
    green = code in ("1", "24")
    assert (judged.outcome is Outcome.OK) is green
    assert (judged.loss.seconds == 0) is green
    if not green:
        assert "state" in bad(judged)
        assert word in judged.sentence or "would be lost" in judged.sentence
    if code == "77":
        assert judged.state == "code 77"
        assert "state" in checks(judged, Outcome.UNKNOWN)


def test_an_asynchronous_pair_synchronises_in_its_normal_life():
    judged = only(both(synchronous=False, running="23", local_data="", remote_data="", prod={"remote_data": "2"}))
    assert "state" not in bad(judged)
    assert "state" in bad(only(both(running="23")))


@pytest.mark.parametrize("code", ["2", "14", "9", ""])
def test_health(code):
    judged = only(both(health=code))
    assert "health" in bad(judged)
    assert judged.loss.seconds != 0


def test_direction():
    assert only(both(prod={"primary": True}, dr={"primary": True})).outcome is Outcome.FAIL
    split_brain = only(both(primary=True))
    assert (split_brain.primary, split_brain.secondary) == (None, None)
    assert "both sides may take writes" in next(
        f.sentence for f in split_brain.findings if f.check.endswith("direction")
    )
    neither = only(both(primary=False))
    assert "Neither of" in next(f.sentence for f in neither.findings if f.check.endswith("direction"))
    untold = only(both(primary=None))
    assert "direction" in checks(untold, Outcome.UNKNOWN)
    assert untold.loss.seconds != 0
    turned = only(both(prod={"primary": False}, dr={"primary": True}), declared=Declared(P))
    assert turned.primary.serial == D
    assert checks(turned, Outcome.WARN) == {"direction"}
    assert turned.sentence.startswith("ora_data01_dr on DORADO-DR to ora_data01 on DORADO-PROD runs the other way")
    assert only(both(prod={"primary": False}, dr={"primary": True})).outcome is Outcome.OK
    one_sided = only(both(dr={"primary": None}))
    assert one_sided.primary.serial == P


def test_a_secondary_that_anybody_may_write():
    judged = only(both(secondary_access="3"))
    assert judged.outcome is Outcome.FAIL
    assert "whose access is read and write" in judged.sentence
    assert (judged.loss.seconds, judged.loss.consistent_at) == (60, ENDED)  # the end of its last synchronisation
    assert only(both(secondary_access="1")).outcome is Outcome.OK
    assert "access" in checks(only(both(secondary_access="9")), Outcome.UNKNOWN)


def test_the_secondarys_data():
    incomplete = only(both(prod={"remote_data": "3"}, dr={"local_data": "3"}), declared=Declared("", 60))
    assert {"data"} <= checks(incomplete, Outcome.FAIL)
    assert incomplete.loss.consistent_at is None
    assert "cannot be used" in incomplete.loss.why
    assert "rpo" in checks(incomplete, Outcome.UNKNOWN)
    older = only(both(prod={"remote_data": "2"}, dr={"local_data": "2"}))
    assert checks(older, Outcome.WARN) == {"data"}
    calm = both(prod={"remote_data": "2"}, dr={"local_data": "2"}, synchronous=False)
    assert "data" not in bad(only(calm))


@pytest.mark.parametrize("leaf", ["running", "health", "synchronous", "secondary_access", "group"])
def test_two_arrays_that_tell_different_things(leaf):
    changed = {"synchronous": False}.get(leaf, "2")
    start = {"secondary_access": "1"} if leaf == "secondary_access" else {}
    judged = only(both(dr={leaf: changed}, prod=start))
    assert judged.outcome is Outcome.FAIL
    assert "views" in checks(judged, Outcome.FAIL)
    if leaf == "running":
        assert judged.state == "normal by DORADO-PROD, code 2 by DORADO-DR"
    if leaf == "synchronous":
        assert judged.loss.seconds is None
        assert "do not tell whether" in judged.loss.why


def test_a_silent_side_makes_it_unknown():
    prod, dr = both()
    judged = only([prod, Asked(D, "DORADO-DR", None, "DORADO-DR does not answer. Check it.")], declared=Declared(P, 60))
    assert judged.outcome is Outcome.UNKNOWN
    assert judged.sentence.endswith("is not known. DORADO-DR does not answer. Check it.")
    assert judged.loss.seconds is None
    assert "DORADO-DR does not confirm" in judged.loss.why
    assert only([prod, Asked(D, "DORADO-DR", None)]).sentence.endswith("DORADO-DR was not read.")
    assert "not known to the portal" in only([prod]).sentence
    unread = replace(dr.seen, pairs=(), unread={"pairs": "The pairs cannot be read."})
    assert only([prod, asked(unread)]).outcome is Outcome.UNKNOWN
    everything = replace(dr.seen, pairs=(), unread={"all": "Nothing can be read."})
    assert only([prod, asked(everything)]).sentence.endswith("Nothing can be read.")


def test_a_disaster_is_measured_by_the_side_that_is_left():
    _, dr = both(running="34")
    gone = Asked(P, "DORADO-PROD", None, "It is dead.")
    judged = only([gone, dr], now=NOW + 300, declared=Declared(P, 60))
    assert judged.loss.seconds == 360
    assert judged.outcome is Outcome.FAIL
    assert {"seen"} == checks(judged, Outcome.UNKNOWN)
    later = only([gone, dr], now=NOW + 300, known={judged.key: NOW + 200})
    assert (later.loss.seconds, later.loss.consistent_at) == (100, NOW + 200)


def test_a_side_that_denies_the_pair():
    prod, dr = both()
    judged = only([prod, asked(replace(dr.seen, pairs=()))])
    assert judged.outcome is Outcome.FAIL
    assert "DORADO-DR does not list the pair" in judged.sentence


def test_partners_that_do_not_match_are_two_pairs():
    prod, dr = both(dr={"remote_lun": "3"})
    judged = judge([prod, dr], NOW)
    assert len(judged) == 2
    assert {one.outcome for one in judged} == {Outcome.FAIL}


def test_clocks_are_corrected():
    judged = only(both(running="26", offset=100.0), now=NOW + 500)
    assert judged.loss.seconds == 660
    assert only(both(running="26", offset=-1000.0), now=NOW).loss.seconds == 0  # never in the future
    prod, dr = both(running="26")
    mixed = [asked(replace(prod.seen, offset=None)), asked(replace(dr.seen, offset=30.0))]
    assert only(mixed, now=NOW).loss.seconds == 90
    none = [asked(replace(one.seen, offset=None)) for one in (prod, dr)]
    assert only(none).loss.seconds is None
    assert "tell no time" in only(none).loss.why
    older = [prod, asked(replace(dr.seen, pairs=(replace(dr.seen.pairs[0], ended=int(NOW) - 150),)))]
    assert only(older, now=NOW).loss.seconds == 150


def cycle(started, ended, **changes):
    return both(synchronous=False, started=started, ended=ended, **changes)


def test_the_age_of_an_asynchronous_copy_is_the_start_of_its_last_whole_cycle():
    now = int(NOW)
    assert only(cycle(now - 90, now - 60)).loss.seconds == 90
    timed = cycle(now - 20, now - 60, interval=60, timing="2", running="23")
    assert only(timed).loss.seconds == 80
    for loose in (
        cycle(now - 20, now - 60, interval=60, timing="3", running="23"),
        cycle(now - 20, now - 60, timing="2", running="23"),
        cycle(None, now - 60),
        cycle(now - 20, None),
    ):
        judged = only(loose, declared=Declared("", 60))
        assert judged.loss.seconds is None
        assert "last whole cycle began" in judged.loss.why
        assert "rpo" in checks(judged, Outcome.UNKNOWN)
        known = only(loose, known={judged.key: NOW - 120})
        assert known.loss.seconds == 120
    clockless = [asked(replace(one.seen, offset=None)) for one in cycle(now - 90, now - 60)]
    assert "clocks were not read" in only(clockless).loss.why


def test_the_objective():
    now = int(NOW)
    well = only(cycle(now - 90, now - 60), declared=Declared(P, 120))
    assert "rpo" in checks(well, Outcome.OK)
    assert "What would be lost now: 1 min." in well.sentence
    late = only(cycle(now - 90, now - 60), declared=Declared(P, 60))
    assert "rpo" in checks(late, Outcome.FAIL)
    assert "objective 1 min" in late.sentence
    assert "rpo" not in {one.check for one in only(cycle(now - 90, now - 60)).findings}


def metro(primary=(True, False), **changes):
    """The same LUN on both arrays."""
    sides = []
    for at, (serial, name, other) in enumerate(((P, "PROD", D), (D, "DR", P))):
        pair = Pair("9", "metro", "5", "6" if at == 0 else "5", other, primary[at], True, "1", "1", link="10")
        pair = replace(pair, local_lun="5" if at == 0 else "6", **changes)
        luns = (
            ArrayLun(pair.local_lun, "he_sd", WWN.format(1, 1), 1024),
            ArrayLun("5", "snap", "f" * 32, 1, snapshot=True),
        )
        sides.append(asked(ArraySeen(serial, name, luns=luns[:: 1 if at else -1], pairs=(pair,), offset=0.0)))
    return sides


@pytest.mark.parametrize("code", [*METRO, "77"])
def test_hypermetro(code):
    judged = only(metro(running=code))
    assert (judged.outcome is Outcome.OK) is (code == "1")
    assert judged.state == means(code, METRO).word
    assert (judged.loss.seconds == 0) is (code == "1")
    assert not {"access", "data"} & {one.check.removeprefix("replication_") for one in judged.findings}
    if code == "1":
        assert "(HyperMetro): normal" in judged.sentence


def test_hypermetros_link_and_partner():
    down = only(metro(link="11"))
    assert "link" in checks(down, Outcome.FAIL)
    assert down.loss.seconds is None
    assert only(metro(link="")).outcome is Outcome.OK
    assert only(metro(remote_serial="")).outcome is Outcome.OK  # there is only one other array
    sides = metro(remote_serial="")
    third = asked(ArraySeen("SN3", "THIRD", offset=0.0))
    alone = judge([*sides, third], NOW)
    assert {one.outcome for one in alone} == {Outcome.UNKNOWN}
    assert "an array that is not named" in alone[0].sentence + alone[1].sentence
    assert "preferred" in next(f.sentence for f in only(metro((True, True))).findings if f.check.endswith("direction"))


def test_groups_that_are_not_in_step():
    prod, dr = sample("prod"), sample("dr")
    broken = replace(prod.pairs[1], running="26"), replace(dr.pairs[1], running="26")
    sides = [
        asked(replace(prod, pairs=(prod.pairs[0], broken[0], prod.pairs[2]))),
        asked(replace(dr, pairs=(dr.pairs[0], broken[1], dr.pairs[2]))),
    ]
    (group,) = groups(judge(sides, NOW))
    assert group.outcome is Outcome.FAIL
    assert "not in step: normal, split" in group.sentence
    turned = replace(prod.pairs[1], primary=False), replace(dr.pairs[1], primary=True)
    sides = [
        asked(replace(prod, pairs=(prod.pairs[0], turned[0]))),
        asked(replace(dr, pairs=(dr.pairs[0], turned[1]))),
    ]
    assert groups(judge(sides, NOW))[0].outcome is Outcome.FAIL
    assert groups(judge(both(group="", group_name=""), NOW)) == ()
    assert only(both(group_name="")).group == "3400a30d0001000A"


def test_a_database_in_one_group():
    judged = judge([asked(sample("prod")), asked(sample("dr"))], NOW)
    luns = [WWN.format(1, n) for n in (2, 3, 4)]
    assert one_group(judged, luns, "CORE").outcome is Outcome.OK
    assert one_group(judged, luns, "CORE").sentence == "All LUNs of CORE are in consistency group CG_ORA."
    missing = one_group(judged, [*luns, WWN.format(1, 1)], "CORE")
    assert (missing.outcome, "1 LUNs of CORE are not replicated" in missing.sentence) == (Outcome.FAIL, True)
    assert "names no LUN" in one_group(judged, [], "CORE").sentence
    loose = judge(both(group="", group_name=""), NOW)
    assert one_group(loose, luns[:1], "CORE").sentence == "CORE is one LUN."
    prod, dr = sample("prod"), sample("dr")

    def renamed(seen, names):
        pairs = (replace(pair, group=name, group_name=name) for pair, name in zip(seen.pairs, names, strict=True))
        return asked(replace(seen, pairs=tuple(pairs)))

    bare = judge([renamed(prod, ("", "", "")), renamed(dr, ("", "", ""))], NOW)
    assert "in no consistency group" in one_group(bare, luns, "CORE").sentence
    apart = judge([renamed(prod, ("A", "", "A")), renamed(dr, ("A", "", "A"))], NOW)
    assert "different consistency groups: none, A" in one_group(apart, luns, "CORE").sentence


def test_the_map_and_its_drift():
    sides = [asked(sample("prod")), asked(sample("dr"))]
    now = mirrors(judge(sides, NOW), P)
    assert [(one.production, one.copy, one.confirmed) for one in now] == [
        (WWN.format(1, n), WWN.format(2, n), True) for n in (2, 3, 4)
    ]
    approved = {one.production: one.copy for one in now}
    assert silence(sides) == ""
    assert [one.outcome for one in drift(approved, now)] == [Outcome.OK] * 3
    assert [one.subject.key for one in drift(approved, now)] == ["3" + WWN.format(1, n) for n in (2, 3, 4)]
    swapped = approved | {WWN.format(1, 2): WWN.format(2, 3)}
    found = {one.subject.key: one for one in drift(swapped, now)}
    assert found["3" + WWN.format(1, 2)].outcome is Outcome.FAIL
    assert "approved is" in found["3" + WWN.format(1, 2)].sentence
    (new, *_) = drift({}, now)
    assert (new.outcome, "nobody approved" in new.sentence) == (Outcome.WARN, True)
    (gone,) = drift({"a" * 32: "b" * 32}, ())
    assert (gone.outcome, "has lost its approved copy" in gone.sentence) == (Outcome.FAIL, True)
    (hidden,) = drift({"a" * 32: "b" * 32}, (), "DR is silent.")
    assert (hidden.outcome, hidden.sentence.endswith("DR is silent.")) == (Outcome.UNKNOWN, True)


def test_the_map_with_sizes_and_without_confirmation():
    mirror = Mirror("a" * 32, "b" * 32, "data", "copy", 10, 10, "", True)
    approved = {"a" * 32: "b" * 32}
    assert drift(approved, [mirror])[0].outcome is Outcome.OK
    assert drift(approved, [replace(mirror, copy_size=None)])[0].outcome is Outcome.OK
    assert "Enlarge the smaller one" in drift(approved, [replace(mirror, copy_size=11)])[0].sentence
    assert drift(approved, [replace(mirror, confirmed=False)])[0].outcome is Outcome.UNKNOWN
    twice = drift(approved, [mirror, replace(mirror, copy="c" * 32)])[0]
    assert twice.outcome is Outcome.FAIL
    one_sided = mirrors(judge([asked(sample("prod")), Asked(D, "DR", None)], NOW), P)
    assert one_sided == ()  # the copy's WWN is not told
    assert mirrors(judge([asked(sample("prod")), asked(sample("dr"))], NOW), "other") == ()
    dr = sample("dr")
    bare = [asked(sample("prod")), asked(replace(dr, pairs=(), unread={"pairs": "No pairs."}))]
    assert {one.confirmed for one in mirrors(judge(bare, NOW), P)} == {False}
    assert silence(bare) == "No pairs."
    assert silence([Asked(D, "DR", None)]) == "DR was not read."
    assert silence([Asked(D, "DR", None, "Why.")]) == "Why."


def test_nothing_is_green_that_either_array_does_not_call_normal():
    """Seeded: hundreds of pairs with planted faults; green exactly when no fault was planted."""
    rng = random.Random(26)
    faults = (
        [{"running": code} for code in (*REPLICATION, "", "55") if code not in ("1", "24")]
        + [{"health": code} for code in (*HEALTH, "", "7") if code != "1"]
        + [{"secondary_access": code} for code in (*ACCESS, "", "5") if code in ("3", "", "5")]
        + [{"primary": None}, {"remote_data": "3", "local_data": "3"}, {"remote_data": "", "local_data": ""}]
    )
    for fault, side in itertools.product(faults, ("prod", "dr", "both")):
        where = {"prod": {"prod": fault}, "dr": {"dr": fault}, "both": {"prod": fault, "dr": fault}}[side]
        judged = only(both(**where), declared=Declared(P, rng.choice((0, 60, 3600))), now=NOW + rng.randint(0, 500))
        if fault == {"primary": None} and side != "both":
            continue  # the other array tells it
        assert judged.outcome is not Outcome.OK, (fault, side)
        assert judged.outcome is worst(one.outcome for one in judged.findings)
        assert all(one.sentence.endswith(".") for one in judged.findings)
