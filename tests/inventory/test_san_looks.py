"""The host's SAN probes over the lab's hosts: real SSH, two looks, and a fault that all of them see."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import Sum
from django.utils import timezone

from inventory.models import Finding, Host, Look, Rollup
from inventory.services import allow_reads, looks, sweep, upkeep
from tests.fixtures_estate_lab import KEY, known, lab, settle  # noqa: F401

pytestmark = [pytest.mark.django_db, pytest.mark.wire]
PROBES = ("lun_read", "fc_ports", "lun_devices", "lun_identity", "lun_latency", "multipath", "multipath_config")


@pytest.fixture
def engine(lab):  # noqa: F811
    made = known(lab)
    assert upkeep.sync_once(made.pk, storage=True).failed == {}
    yield made
    settle()
    lab.http("DELETE", "/faults")


def look() -> None:
    Look.objects.filter(host__name="kvm01", probe__in=PROBES).update(due_at=timezone.now() - timedelta(seconds=1))
    sweep.sweep(patience=30.0, probes=PROBES)


def said(probe: str) -> dict[str, str]:
    rows = Finding.objects.filter(look__host__name="kvm01", look__probe=probe)
    return {one.check_name if one.subject_kind == "host" else one.subject_key: one.outcome for one in rows}


def test_healthy_hosts_are_read_whole_and_the_second_look_compares(engine):
    look()
    unread = Look.objects.filter(host__name="kvm01", probe__in=PROBES).exclude(state=Look.State.READ)
    assert list(unread.values_list("probe", "sentence")) == []
    assert "errors" not in said("fc_ports")
    look()
    assert said("fc_ports")["errors"] == "ok"
    assert said("fc_ports")["targets"] == said("fc_ports")["speed"] == "ok"
    assert set(said("lun_devices").values()) == set(said("lun_identity").values()) == {"ok"}
    assert len(said("lun_identity")) == 8
    assert set(said("multipath_config").values()) == {"ok"}
    assert said("lun_devices")["flapping"] == "ok"


def test_a_pulled_cable_shows_in_every_look_at_once(engine, lab):  # noqa: F811
    look()
    lab.fault("pull-fabric", "A", host="kvm01")
    look()
    facts = Look.objects.get(host__name="kvm01", probe="fc_ports").facts
    states = {one["host"]: one["state"] for one in facts["ports"]}
    assert states == {"host1": "Linkdown", "host2": "Online"}
    assert facts["growths"], "a lost link is counted"
    assert said("fc_ports")["errors"] == said("fc_ports")["targets"] == "warn"
    devices = Look.objects.get(host__name="kvm01", probe="lun_devices").facts["devices"]
    assert {one["state"] for one in devices if one["host"] == "host2"} == {"running"}


def test_a_remapped_lun_is_seen_by_asking_the_array_alone(engine, lab):  # noqa: F811
    look()
    lab.fault("lun-remap", "DORADO-PROD", lun="ora_data01")
    look()
    wrong = [key for key, outcome in said("lun_identity").items() if outcome == "fail"]
    assert len(wrong) == 1
    words = Finding.objects.get(look__host__name="kvm01", look__probe="lun_identity", outcome="fail").sentence
    assert "the array maps another volume there" in words
    assert said("lun_devices")[wrong[0]] == "ok", "the kernel and multipath notice nothing"
    assert said("multipath")["kernel_view"] == "ok"


def test_a_path_that_fails_between_looks_flaps_on_the_host_and_at_its_lun(engine, lab):  # noqa: F811
    look()
    wwid = next(iter(said("lun_identity")))
    path = next(
        one for one in Look.objects.get(host__name="kvm01", probe="multipath").facts["maps"] if one["wwid"] == wwid
    )
    hba, target = path["paths"][0]["hba_wwpn"], path["paths"][0]["target_wwpn"]
    before = said("multipath")
    lab.fault("flap-path", "kvm01", wwid=wwid, hba=hba, target_wwpn=target, times="3")
    look()
    assert said("lun_devices")["flapping"] == "warn"
    assert {key for key, outcome in said("lun_devices").items() if outcome == "warn"} == {"flapping", wwid}
    assert said("multipath") == before, "every look shows it up"
    total = Rollup.objects.filter(look__host__name="kvm01", series=f"failed:{wwid}").aggregate(n=Sum("total"))["n"]
    assert total == 3


def test_blocks_are_read_where_it_is_allowed(engine):
    host = Host.objects.get(name="kvm01")
    look()
    assert said("lun_read") == {}, "nobody has allowed it"
    allow_reads.allow(host, "test", wanted=True, typed="kvm01")
    look()
    assert len(said("lun_read")) == 8
    assert set(said("lun_read").values()) == {"ok"}
    facts = Look.objects.get(host=host, probe="lun_read").facts["tried"]
    assert {one["ms"] for one in facts} == {0.42}
    allow_reads.allow(host, "test", wanted=False)
    assert said("lun_read") == {}


def test_facts_of_another_release_are_no_look_before(engine):
    look()
    Look.objects.filter(host__name="kvm01", probe="fc_ports").update(facts={"written": "by another release"}, mark="")
    look()
    assert "errors" not in said("fc_ports")


def test_only_probes_that_compare_ask_for_the_look_before(engine, django_assert_num_queries):
    look()
    rows = list(Look.objects.filter(host__name="kvm01", probe__in=PROBES))
    with django_assert_num_queries(1):
        found = looks.befores(rows)
    comparing = {"fc_ports", "lun_devices", "lun_latency"}
    assert {row.probe for row in rows if row.pk in found} == comparing
    with django_assert_num_queries(0):
        assert looks.befores([row for row in rows if row.probe not in comparing]) == {}
