"""Read latency on a LUN's page: a chart of a day, percentiles over windows, "no data" where too little was read."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from inventory.models import Look, Lun, Rollup
from inventory.services import latency
from inventory.verdicts.latency import Objective, Sample, verdict
from inventory.views.latency_chart import latency_chart
from portal.kernel.outcome import Outcome
from tests.ui import world


def put(host: str, wwid: str, minutes: float, reads: int, ms: float) -> None:
    look = Look.objects.get(host__name=host, probe="lun_latency")
    start = int((timezone.now() - timedelta(minutes=minutes)).timestamp()) // 300 * 300
    bucket = datetime.fromtimestamp(start, timezone.now().tzinfo)
    for series, value in ((f"reads:{wwid}", reads), (f"read_ms:{wwid}", ms)):
        Rollup.objects.create(
            look=look, series=series, bucket=bucket, count=5, low=value, high=value, total=value, last=value
        )


@pytest.fixture
def lun(db):
    world.build("healthy")
    return Lun.objects.get(name="ora_data01")


def test_without_reads_the_page_says_no_data(lun, reader):
    text = reader.get(f"/luns/{lun.pk}/").content.decode()
    assert "<b>No data.</b> No host has counted 100 reads of this LUN" in text
    assert latency.month(lun.uuid, timezone.now()) == []


def test_the_page_has_a_chart_and_percentiles_per_host_and_window(lun, reader, django_assert_max_num_queries):
    for number in range(60):
        put("kvm01", lun.uuid, 5 + 5 * number, 20_000, 8_000 if number % 10 else 90_000)
    put("kvm02", lun.uuid, 700, 200, 90)
    reader.get("/help/keys/")
    with django_assert_max_num_queries(10):
        text = reader.get(f"/luns/{lun.pk}/").content.decode()
    assert 'class="series-1"' in text
    assert "p99 ms" in text
    assert "1,200,000" in text, "the number of reads of the day"
    assert "means of counted reads, /proc/diskstats" in text
    assert "no data. 200 reads in" in text, "fewer reads than a verdict needs"
    busy, quiet = latency.month(lun.uuid, timezone.now())
    assert [one.window for one in busy.slos] == list(latency.WINDOWS)
    assert (busy.slos[1].p50, busy.slos[1].p99, busy.slos[1].outcome) == (0.4, 4.5, Outcome.WARN)
    assert {one.outcome for one in quiet.slos} == {Outcome.UNKNOWN}


def series(*values: float):
    end = timezone.now()
    rows = [(end - timedelta(minutes=5 * (len(values) - number)), value) for number, value in enumerate(values)]
    return rows, (end - timedelta(days=1), end)


@pytest.mark.parametrize(("highest", "y"), [(0.3, "50.00%"), (1.9, "52.15%"), (40.0, "97.73%"), (2000.0, "99.95%")])
def test_the_objective_stands_where_it_belongs(highest, y):
    rows, window = series(highest)
    chart = latency_chart([("kvm01", rows)], 1.0, window)
    assert chart.limit.text == "1"
    assert chart.limit.y == y
    assert 1 <= len(chart.levels) <= 6


def test_a_line_says_its_last_mean_and_silence_is_a_gap():
    rows, window = series(0.4, 0.6)
    chart = latency_chart([("kvm01", rows), ("kvm02", [])], 1.0, window)
    assert {one.label for one in chart.lines} == {"kvm01 0.60 ms", "kvm02 no data"}
    assert len(chart.gaps) == 1
    assert not chart.empty


def test_more_hosts_than_lines_are_counted():
    rows, window = series(0.4)
    assert latency_chart([(f"kvm{n}", rows) for n in range(7)], 1.0, window).hidden == 3
    assert latency_chart([], 1.0, window).empty


def test_the_share_that_kept_the_objective_is_told_in_per_cent_or_not_at_all():
    now = 1000.0
    told = verdict("x", [Sample(990.0, 900, 450.0), Sample(995.0, 100, 400.0)], now, 60.0, Objective(least=10))
    assert told.percent == pytest.approx(90.0)
    assert verdict("x", [], now, 60.0).percent is None
