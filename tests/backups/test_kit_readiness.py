"""Readiness: what is ok, stale, missing or not known, each in one sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backups.kit import delta, drift, words
from backups.kit.content import Archives, Contact, Network, Networks, Source, Storage, Vm, Vms
from backups.kit.line import Limits
from backups.kit.readiness import lines, verdict
from portal.kernel.outcome import Outcome
from tests.backups.kit_scenes import DAY, HOUR, NOW, SINCE, THEN, drifted, empty, full

OK, WARN, FAIL, UNKNOWN = Outcome.OK, Outcome.WARN, Outcome.FAIL, Outcome.UNKNOWN
FULL = full()


def line(kit, key, now=NOW, limits=Limits()):  # noqa: B008 - frozen
    (found,) = [one for one in lines(kit, now, limits) if one.key == key]
    return found


def said(kit, key, **more):
    found = line(kit, key, **more)
    return found.outcome, found.sentence


def test_a_full_kit_is_ready():
    found = lines(FULL, NOW)
    assert {one.outcome for one in found} == {OK}
    assert verdict(found).headline == "The kit is complete and fresh"
    assert verdict(found).sentence == "21 of 21 lines hold."
    assert len({one.key for one in found}) == len(found)
    assert all(one.at is not None and one.max_age > 0 for one in found)


def test_an_empty_kit_is_nowhere_green():
    found = lines(empty(), NOW)
    assert OK not in {one.outcome for one in found}
    assert verdict(found).outcome is FAIL
    assert verdict(found[:3]).headline == "Parts of the kit are not known"
    assert verdict(()).outcome is UNKNOWN


def test_a_drifted_kit_tells_each_fault():
    kit = drifted()
    told = {one.key: one.outcome for one in lines(kit, NOW)}
    assert told == {
        "archive": WARN,
        "archive_previous": WARN,
        "opening": OK,
        "appliance:kvm01": OK,
        "appliance:kvm02": FAIL,
        "engine": FAIL,
        "host:kvm01": FAIL,
        "host:kvm02": FAIL,
        "conf:kvm01": OK,
        "conf:kvm02": OK,
        "answers": OK,
        "drift": WARN,
        "releases": WARN,
        "networks": OK,
        "storage": OK,
        "spare": FAIL,
        "vms": WARN,
        "maintenance": WARN,
        "delta": UNKNOWN,
        "drill": WARN,
        "contacts": OK,
    }
    assert "gateway: kvm01 10.20.0.1, kvm02 10.20.0.254" in said(kit, "drift")[1]
    assert verdict(lines(kit, NOW)).sentence.startswith("8 of 21 lines hold. kvm02 has ovirt-engine-appliance")
    assert (
        verdict([one for one in lines(kit, NOW) if one.outcome is not FAIL][:3]).headline == "The kit works with gaps"
    )


@pytest.mark.parametrize(
    ("key", "age"),
    [
        ("engine", 27 * HOUR),
        ("networks", 27 * HOUR),
        ("host:kvm01", 27 * HOUR),
        ("contacts", 181 * DAY),
        ("drill", 400 * DAY),
    ],
)
def test_what_is_too_old_is_stale_and_says_its_limit(key, age):
    outcome, sentence = said(FULL, key, now=NOW + age)
    assert outcome is WARN
    assert "limit" in sentence
    assert "collect the kit again" in sentence


def test_what_comes_from_the_future_is_no_proof():
    outcome, sentence = said(FULL, "maintenance", now=NOW - HOUR)
    assert outcome is WARN
    assert "look at the clocks" in sentence


def archives(**changes):
    return replace(FULL, archives=replace(FULL.archives, **changes))


def latest(**changes):
    return archives(latest=replace(FULL.archives.latest, **changes))


def test_the_latest_archive():
    assert said(archives(latest=None), "archive") == (
        FAIL,
        "No archive is proven restorable. Take a backup and rehearse it.",
    )
    assert said(latest(places=()), "archive")[0] is FAIL
    places = FULL.archives.latest.places
    one_site = tuple(replace(place, site="PROD") for place in places)
    assert said(latest(places=one_site), "archive")[1].endswith("1 site holds it, 2 must. Add a copy at another site.")
    nowhere = tuple(replace(place, holds=None) for place in places)
    assert said(latest(places=nowhere), "archive")[0] is FAIL
    assert said(FULL, "archive", now=NOW + 22 * HOUR)[0] is WARN
    assert line(FULL, "archive").at == FULL.archives.latest.taken


def test_the_previous_archive():
    previous = replace(FULL.archives.previous, places=())
    assert said(archives(previous=previous), "archive_previous")[0] is WARN


def test_who_opens_it():
    one, two = FULL.archives.recipients
    assert said(archives(recipients=()), "opening")[0] is FAIL
    assert said(archives(recipients=(replace(one, custody=""),)), "opening") == (
        FAIL,
        "backup-2025 can open it, and where the private key lies is not known. Say where.",
    )
    assert said(archives(recipients=(one, replace(two, custodian=""))), "opening")[0] is WARN
    assert said(latest(encryption=""), "opening")[0] is OK
    assert said(archives(latest=None), "opening")[0] is UNKNOWN


def host(place=1, **changes):
    hosts = list(FULL.hosts)
    hosts[place] = replace(hosts[place], **changes)
    return replace(FULL, hosts=tuple(hosts))


def test_the_appliance_must_not_be_older_than_the_archive():
    key = "appliance:kvm02"
    assert said(host(appliance_engine=""), key)[0] is UNKNOWN
    assert said(host(appliance_engine="4.5.7"), key)[0] is OK
    assert said(host(appliance_engine="4.6.0"), key)[0] is FAIL
    assert said(host(packages=()), key)[0] is UNKNOWN
    assert said(host(packages=FULL.hosts[0].packages[1:]), key)[0] is FAIL
    assert said(host(source=Source(None, "", ("kvm02 did not answer.",))), key) == (
        UNKNOWN,
        "kvm02 did not answer. Look at kvm02 over SSH.",
    )
    assert said(latest(engine_version=""), key)[0] is UNKNOWN
    assert said(archives(latest=None), key)[0] is UNKNOWN


def test_hosts():
    assert said(host(source=Source()), "host:kvm02")[0] is UNKNOWN
    assert said(host(unique_id="", bmc=""), "host:kvm02") == (
        FAIL,
        "kvm02: vds_unique_id and BMC are missing. Look at kvm02, or declare it.",
    )
    assert "he_host_name kvm02" in said(FULL, "host:kvm02")[1]
    assert "he_host_name" not in said(host(name="kvm02.bank.example"), "host:kvm02.bank.example")[1]
    why = Source(NOW, "", ("The hardware UUID is no UUID.",))
    assert said(host(unique_id="", source=why), "host:kvm02")[1].endswith("The hardware UUID is no UUID.")


def test_configuration_files():
    assert said(host(conf_read=False), "conf:kvm02")[0] is UNKNOWN
    assert said(host(he_conf=None), "conf:kvm02")[0] is FAIL
    assert "1 password is masked" in said(drifted(), "conf:kvm02")[1]
    assert said(host(0, answers=None), "answers")[0] is WARN
    assert (
        said(
            replace(
                host(0, answers=None), hosts=(replace(host(0, answers=None).hosts[0], conf_read=False), FULL.hosts[1])
            ),
            "answers",
        )[0]
        is UNKNOWN
    )
    both = host(1, answers=FULL.hosts[0].answers)
    assert said(both, "answers")[1] == "kvm01 and kvm02 have an answers.conf, and it is kept."
    assert "drift" not in {one.key for one in lines(host(he_conf=None), NOW)}
    other = replace(FULL.hosts[0].answers, text="[environment:default]\nA=str:1\n")
    rows = said(host(1, answers=other), "drift")[1]
    assert "and more" in rows
    assert "lacks it" in rows
    assert drift.shared_ids(FULL.hosts) == ()


def test_releases_beside_each_other():
    assert said(host(kernel=""), "releases")[0] is UNKNOWN
    assert said(drifted(), "releases")[1].startswith(
        "The hosts differ: kernel 5.15.0-206.153.7.el8uek.x86_64 on kvm01 and"
    )
    assert "releases" not in {one.key for one in lines(host(source=Source()), NOW)}


def test_the_engine_vm():
    def vm(**changes):
        return replace(FULL, engine=replace(FULL.engine, **changes))

    assert said(vm(prefix=None, vlan=None), "engine")[1].startswith(
        "Engine VM: address and prefix and VLAN are missing."
    )
    assert said(vm(ca_expires=NOW - DAY), "engine")[0] is WARN
    assert said(vm(ca_expires=None), "engine")[0] is OK


def test_networks():
    def nets(*rows):
        return replace(FULL, networks=Networks(Source(NOW), rows))

    assert said(nets(), "networks")[0] is FAIL
    assert said(nets(Network("n", None, None, None)), "networks")[0] is UNKNOWN
    outcome, sentence = said(nets(Network("n", True, 1, 1500)), "networks")
    assert outcome is FAIL
    assert "n on kvm01 and n on kvm02" in sentence


def test_storage_and_the_spare_lun():
    def spare(**changes):
        return replace(FULL, storage=replace(FULL.storage, spare=replace(FULL.storage.spare, **changes)))

    domains = FULL.storage.domains
    assert said(replace(FULL, storage=Storage(Source(NOW), domains[1:])), "storage")[0] is FAIL
    blind = replace(FULL, storage=Storage(Source(NOW), (domains[0], replace(domains[1], wwids=()))))
    assert said(blind, "storage")[1].startswith("Storage: the LUNs of core_data is missing.")
    assert said(spare(source=Source()), "spare")[0] is UNKNOWN
    assert said(spare(size=None), "spare")[0] is FAIL
    assert said(spare(size=60 * 2**30), "spare")[1].startswith("3600144f0000000000000000000000099 has 60 GiB, 75 GiB")
    assert said(spare(zoned_to=("kvm01",)), "spare")[1].endswith("is not zoned to kvm02. Zone it there.")
    assert said(spare(empty=None), "spare")[0] is UNKNOWN
    assert said(spare(empty=NOW - 100 * DAY), "spare")[0] is WARN
    assert said(spare(array=""), "spare")[0] is OK
    used = FULL.storage.direct[0].wwid
    assert (
        said(spare(wwid=used), "spare")[1] == f"{used} is declared as the spare LUN and is in use. Declare another one."
    )


def test_vms_maintenance_and_contacts():
    def vms(*rows):
        return replace(FULL, vms=Vms(Source(NOW), rows))

    assert said(vms(Vm("a", "1", None, "", "")), "vms")[0] is UNKNOWN
    assert said(vms(Vm("a", "1", True, None, "")), "vms")[0] is UNKNOWN
    assert (
        "a and b are highly available without a lease"
        in said(vms(Vm("a", "1", True, "", ""), Vm("b", "2", True, "", "")), "vms")[1]
    )
    local = replace(FULL, maintenance=replace(FULL.maintenance, hosts=("kvm02",)))
    assert said(local, "maintenance")[1].startswith("Local maintenance is on at kvm02.")
    unseen = replace(FULL, maintenance=replace(FULL.maintenance, everywhere=None))
    assert said(unseen, "maintenance")[0] is UNKNOWN
    assert said(replace(FULL, maintenance=replace(FULL.maintenance, engine_host="")), "maintenance") == (
        OK,
        "No maintenance is on.",
    )
    assert said(replace(FULL, contacts=()), "contacts")[0] is FAIL
    untimed = replace(FULL, drill=replace(FULL.drill, minutes=None))
    assert "was not timed" in said(untimed, "drill")[1]


def test_what_changed_since():
    assert said(FULL, "delta")[1].startswith("4 objects differ from 22 Nov 2026")
    same = replace(FULL, delta=delta.since(THEN, replace(THEN, taken=NOW), "x"))
    assert said(same, "delta")[1].startswith("Nothing changed")
    one = replace(FULL, delta=replace(FULL.delta, changes=FULL.delta.changes[:1]))
    assert said(one, "delta")[1].startswith("1 object differs")
    late = replace(FULL, delta=replace(FULL.delta, since=NOW))
    assert said(late, "delta")[0] is WARN
    assert said(replace(late, archives=Archives(FULL.archives.source)), "delta")[0] is OK


def test_a_delta_needs_both_inventories_in_order():
    assert delta.since(THEN, None, "x").source.why == ("There is no inventory of now to compare with.",)
    assert delta.since(SINCE, THEN, "x").source.at is None
    found = delta.since(THEN, SINCE, "x")
    assert [(one.word, one.kind, one.name) for one in found.changes] == [
        ("created", "vm", "oradb03"),
        ("removed", "vm", "app03"),
        ("changed", "vm", "oradb01"),
        ("created", "lun", "3600144f0000000000000000000000009"),
    ]
    assert delta.sentence(found.changes[2]) == "VM oradb01 changed since: memory 256 GiB, now 320 GiB; set it again."


def test_a_renamed_object_and_one_of_another_kind():
    then = delta.Inventory(1, (delta.Thing("vm", "1", "a", (("x", "1"),)), delta.Thing("odd", "1", "z")))
    now = delta.Inventory(2, (delta.Thing("vm", "1", "b", (("y", "2"),)), delta.Thing("odder", "1", "z")))
    found = delta.since(then, now, "x")
    assert found.changes[0].detail == "name a, now b; x 1, now none; y none, now 2"
    assert [delta.sentence(one) for one in found.changes[1:]] == [
        "Odder z was created since: the restored engine does not know it; add it.",
        "Odd z was removed since: the restored engine lists it again; remove it there.",
    ]


def test_words():
    assert [words.size(n) for n in (None, 0, 1023, 1536, 2**30, 5 * 2**50)] == [
        "Not known",
        "0 B",
        "1023 B",
        "1.5 KiB",
        "1 GiB",
        "5120 TiB",
    ]
    assert words.when(NOW, "Africa/Nairobi") == "22 Nov 2026 10:14 EAT"
    assert words.when(NOW, "No/Where") == "22 Nov 2026 07:14 UTC"
    assert words.when(None, "UTC") == "Not known"
    assert words.listed(()) == "Not known"
    assert words.listed(("a", "", "b", "c")) == "a, b and c"
    assert words.plain("  a\nb\u202e\ud800" + "x" * 500).startswith("a\ufffdb\ufffd\ufffdx")
    assert len(words.plain("x" * 500)) == 400


def test_contacts_are_named_by_role():
    kit = replace(FULL, contacts=(*FULL.contacts, Contact("Vendor", "x", "y")))
    assert said(kit, "contacts")[1] == "3 are named: Storage, Network and Vendor."
