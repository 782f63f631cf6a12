"""The engine's side of a VM's tuning, and a LUN's latency, from what the database holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from inventory.models import Attachment, Cluster, Engine, Host, Look, Lun, Rollup, Site, Vm
from inventory.services import latency, looks, tuning
from inventory.services.looks import Result
from inventory.services.record import record
from inventory.verdicts.latency import Sample, verdict

pytestmark = pytest.mark.django_db
GIB = 2**30
LUN = "36a353241000000000000000000000001"
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
def estate():
    engine = Engine.objects.create(site=Site.objects.create(name="P"), name="e", url="https://e/ovirt-engine/api")
    cluster = Cluster.objects.create(engine=engine, uuid="c", name="c")
    pools = {"1048576": {"total": 256, "free": 100}, "2048": {"total": 0, "free": 0}}
    hosts = [
        Host.objects.create(
            engine=engine,
            cluster=cluster,
            uuid=name,
            name=name,
            address=name,
            hugepages=pools if name == "kvm01" else {},
        )
        for name in ("kvm01", "kvm02")
    ]
    vm = Vm.objects.create(
        engine=engine,
        cluster=cluster,
        host=hosts[0],
        uuid="v",
        name="oradb01",
        vm_type="high_performance",
        memory=128 * GIB,
        hugepages_kib=1048576,
        high_availability=True,
        lease_domain="d",
        io_threads=4,
        multi_queues=True,
        affinity="migratable",
        pending_change=False,
    )
    lun = Lun.objects.create(engine=engine, uuid=LUN, name="ora_data01")
    Attachment.objects.create(vm=vm, lun=lun, pass_discard=True)
    look = Look.objects.create(engine=engine, host=hosts[0], probe="lun_latency", due_at=NOW)
    return vm, look


def attached(vm):
    return list(vm.attachments.select_related("lun"))


def said(vm):
    return {row.parameter: str(row.outcome) for row in tuning.engine_rows(vm)}


def test_flags_and_pools_are_judged_and_what_is_not_synced_is_unknown(estate, django_assert_num_queries):
    vm = Vm.objects.select_related("cluster").get(name="oradb01")
    with django_assert_num_queries(4):
        found = {row.parameter: str(row.outcome) for row in tuning.engine_rows(vm)}
    assert {name for name, outcome in found.items() if outcome == "unknown"} == {
        "host pool on kvm02",
        "memory guaranteed",
        "ballooning",
        "memory overcommit",
        "disk ora_data01",
    }
    assert found["host pool on kvm01"] == "ok", "it runs there: all its pages count"
    Vm.objects.update(host=None)
    assert said(Vm.objects.get(name="oradb01"))["host pool on kvm01"] == "fail", (
        "100 free pages are not enough to start"
    )


def test_a_vm_without_cluster_has_nowhere_to_go(estate):
    Vm.objects.update(cluster=None)
    assert said(Vm.objects.get(name="oradb01"))["migration"] == "warn"


def test_which_vms_are_judged(estate):
    vm, _ = estate
    assert tuning.worth_judging(vm, [])
    assert tuning.worth_judging(Vm(name="x"), attached(vm))
    plain = Vm(engine=vm.engine, uuid="w", name="app")
    plain.save()
    assert not tuning.worth_judging(plain, [])
    vm.is_engine = True
    assert not tuning.worth_judging(vm, attached(vm))


def put(look, minutes: float, reads: float, ms: float) -> None:
    """What a look records: sums of the windows that it closed."""
    at = NOW - timedelta(minutes=minutes)
    numbers = {f"reads:{LUN}": reads, f"read_ms:{LUN}": ms}
    record([Result(look.pk, Look.State.READ, at, 5, "", {"at": minutes}, (), numbers, {}, str(minutes))])


def only(now=NOW, wwid=LUN):
    (found,) = latency.month(wwid, now)
    return found


def test_samples_are_exact_means_of_buckets(estate):
    _, look = estate
    put(look, 11, 1000, 400)
    put(look, 10.5, 3000, 3600)
    put(look, 1, 500, 200)
    assert [mean for _, mean in only().points] == [1.0, 0.4]
    assert [one.samples for one in only().slos] == [2, 2, 2, 2]
    assert latency.month("3other", NOW) == []


def test_the_verdict_names_the_host_and_counts_its_windows(estate):
    _, look = estate
    put(look, 50, 100_000, 40_000)
    put(look, 2, 1000, 2500)
    found = only()
    slo, *longer = found.slos
    assert (found.host, slo.reads, str(slo.outcome)) == ("kvm01", 101_000, "ok")
    assert slo.sentence.startswith(f"LUN {LUN} on kvm01: 99.01 % of 101000 reads in 1 h")
    assert [one.window for one in longer] == [86_400.0, 7 * 86_400.0, 30 * 86_400.0]
    assert {one.reads for one in longer} == {101_000}
    hour, day, *_ = only(NOW + timedelta(minutes=30)).slos
    assert (hour.reads, day.reads) == (1000, 101_000), "half an hour later only what is younger"
    assert str(hour.outcome) == "warn"
    silent, _, week, _ = only(NOW + timedelta(days=5)).slos
    assert (str(silent.outcome), silent.p50, week.reads) == ("unknown", None, 101_000)
    assert latency.month(LUN, NOW + timedelta(days=31)) == []


def test_the_database_counts_percentiles_as_the_verdict_does(estate):
    _, look = estate
    told = [(n * 17 + 6, 500 + 37 * (n % 11), 150 + 61 * (n * 7 % 13)) for n in range(60)]
    for minutes, reads, ms in sorted(told, reverse=True):
        put(look, minutes, reads, ms)
    at = {minutes: (NOW - timedelta(minutes=minutes)).timestamp() // 300 * 300 for minutes, _, _ in told}
    samples = [Sample(at[minutes], reads, ms) for minutes, reads, ms in told]
    for slo in only().slos:
        same = verdict(f"LUN {LUN} on kvm01", samples, NOW.timestamp(), slo.window)
        assert (slo.reads, slo.samples, slo.outcome) == (same.reads, same.samples, same.outcome)
        assert (slo.p50, slo.p95, slo.p99, slo.kept) == pytest.approx((same.p50, same.p95, same.p99, same.kept))


def test_each_day_says_how_the_objective_was_kept(estate):
    _, look = estate
    for days, reads, ms in ((3, 5000, 2000), (2, 5000, 9000), (1, 300, 90)):
        put(look, days * 1440, reads, ms)
    days = only().days
    assert [(one.state, one.reads) for one in days] == [("ok", 5000), ("warn", 5000), ("unknown", 300)]
    assert "no data, 300 reads" in days[-1].words
    assert "100 % of 5000 reads within 1 ms" in days[0].words


def test_half_a_bucket_is_no_sample(estate):
    _, look = estate
    put(look, 2, 1000, 400)
    Rollup.objects.filter(series__startswith="read_ms").delete()
    assert latency.month(LUN, NOW) == []


def test_a_probe_that_compares_sees_what_was_stored(estate):
    """Over the database and back: the second look closes a window (see looks.befores)."""
    from inventory.probes import PROBES
    from portal.kernel.output import Output
    from portal.kernel.probe import Declared
    from tests.samples_dir import cases

    _, look = estate
    text = cases("lun_latency")["counted"].output("counters").text()
    at = NOW.timestamp()
    for number, reads in enumerate((5000, 5400, 5900)):
        answer = Output(text.replace(" 5000 12 ", f" {reads} 12 ").encode(), b"", 0)
        due = list(Look.objects.filter(pk=look.pk))
        before = looks.befores(due).get(look.pk)
        assert (before is None) == (number == 0)
        told = Declared("kvm01", checked_at=at + 60 * number)
        record([looks.read(PROBES["lun_latency"], look.pk, {"counters": answer}, told, before)])
    assert Rollup.objects.get(series=f"reads:{LUN}").total == 500
