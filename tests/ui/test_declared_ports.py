"""What people declare of a host's ports and reads: speeds with the paths, and leave to read LUNs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from inventory.models import DeclaredPort, Host, Look, Lun, Rollup
from inventory.probes.fc_ports import Best, FcFacts, Growth
from inventory.probes.reading.sysfs import Counter, FcPort
from inventory.services import allow_reads, declare, pages_ports, watch
from inventory.views.counted_chart import counted_chart
from portal.access.services import create_token
from portal.evidence.models import Record
from portal.kernel import facts as facts_json
from tests.ui import world

pytestmark = pytest.mark.django_db
WWID = f"{world.WWID}2"
A, B, C = "10000090fa000001", "10000090fa000002", "10000090fa000003"


def port(wwpn: str, gbit: float | None, number: int = 1) -> FcPort:
    state = "Online" if gbit else "Linkdown"
    return FcPort(f"host{number}", wwpn, wwpn, "", state, gbit, 32.0, "", "", "", "0000:3b:00", ())


@pytest.fixture
def host(db):
    world.build("healthy")
    return Host.objects.get(name="kvm01")


@pytest.fixture
def boss(person):
    return person("operator")


def shows(host: Host, *ports: FcPort, best: tuple[Best, ...] = (), age: float = 0.0) -> None:
    at = timezone.now() - timedelta(seconds=age)
    Look.objects.filter(host=host, probe="multipath").update(at=timezone.now())  # however long the test takes
    facts = facts_json.dump(FcFacts("b", ports, (), best=best))
    Look.objects.update_or_create(
        engine=host.engine,
        host=host,
        probe="fc_ports",
        defaults={"state": "read", "at": at, "facts": facts, "due_at": at},
    )


def declared(host, by, typed=""):
    shown = declare.proposal(host)
    return declare.declare(host, by, shown.sha256, typed)


def speeds(host):
    return dict(DeclaredPort.objects.filter(host=host).values_list("wwpn", "gbit"))


def test_speeds_are_learned_with_the_paths_and_told_to_the_probe(host, boss):
    shows(host, port(A, 32.0), port(B, 16.0, 2), port(C, None, 3))
    shown = declare.proposal(host)
    assert [(one.wwpn, one.change) for one in shown.ports] == [(A, "added"), (B, "added")]
    assert shown.changes, "although every path is declared"
    declared(host, boss, host.name)
    assert speeds(host) == {A: 32.0, B: 16.0}
    told = watch.declared_for([host])[host.pk]
    assert told.ports == {A: 32.0, B: 16.0}
    record = Record.objects.filter(kind="paths.declared").latest("pk")
    assert record.body["ports"] == {A: ["", "32"], B: ["", "16"]}
    with pytest.raises(declare.CannotDeclare, match="declared already"):
        declared(host, boss, host.name)


def test_a_slower_port_is_a_danger_and_needs_the_name(host, boss):
    shows(host, port(A, 32.0))
    declared(host, boss, host.name)
    shows(host, port(A, 16.0))
    shown = declare.proposal(host)
    assert [one.change for one in shown.ports] == ["lowered"]
    assert any("runs at 16 Gbit, 32 Gbit is declared" in words for words in shown.dangers)
    with pytest.raises(declare.NotConfirmed):
        declare.declare(host, boss, shown.sha256)
    assert speeds(host) == {A: 32.0}
    declared(host, boss, host.name)
    assert speeds(host) == {A: 16.0}
    shows(host, port(A, 64.0))
    assert [one.change for one in declare.proposal(host).ports] == ["raised"]


def test_a_port_that_was_faster_before_it_was_declared_is_a_danger(host):
    shows(host, port(A, 16.0), best=(Best(A, 32.0),))
    assert any("had 32 Gbit before" in words for words in declare.proposal(host).dangers)


def test_a_port_without_link_keeps_its_speed_and_one_that_is_gone_is_dropped(host, boss):
    shows(host, port(A, 32.0), port(B, 32.0, 2))
    declared(host, boss, host.name)
    shows(host, port(A, None))
    shown = declare.proposal(host)
    assert {one.wwpn: one.change for one in shown.ports} == {A: "kept", B: "dropped"}
    assert any(f"The declared FC port {B} is not shown" in words for words in shown.dangers)
    declared(host, boss, host.name)
    assert speeds(host) == {A: 32.0}


@pytest.mark.parametrize("age", [7200.0, None])
def test_without_a_present_look_no_speed_is_declared_and_that_is_said(host, age):
    Look.objects.filter(host=host, probe="fc_ports").delete()
    if age is not None:
        shows(host, port(A, 32.0), age=age)
    shown = declare.proposal(host)
    assert shown.ports == ()
    assert any("speeds" in words for words in shown.notices)


def test_facts_of_another_release_are_no_speeds(host):
    shows(host, port(A, 32.0))
    Look.objects.filter(host=host, probe="fc_ports").update(facts={"written": "by another release"})
    assert declare.proposal(host).ports == ()


def test_the_page_of_declaring_shows_the_speeds(host, reader):
    shows(host, port(A, 16.0), best=(Best(A, 32.0),))
    text = reader.get(f"/hosts/{host.pk}/declare/").content.decode()
    assert "Speeds of FC ports" in text
    assert "16 Gbit" in text
    assert f"Declare the speeds of {host.name}" in text


# --- leave to read


def test_reads_are_allowed_by_name_and_stopped_without(host):
    assert not host.engine.looks.filter(host=host, probe="lun_read").exists()
    with pytest.raises(allow_reads.NotAllowed, match=r"Type kvm01 to confirm"):
        allow_reads.allow(host, "boss", wanted=True, typed="kvm02")
    assert allow_reads.allow(host, "boss", wanted=True, typed="kvm01")
    assert host.engine.looks.filter(host=host, probe="lun_read").count() == 1
    assert not allow_reads.allow(host, "boss", wanted=True, typed="kvm01"), "it is allowed already"
    assert allow_reads.allow(host, "boss", wanted=False)
    assert not host.engine.looks.filter(host=host, probe="lun_read").exists()
    kinds = Record.objects.filter(subject="host:kvm01", kind__startswith="reads.").order_by("pk")
    assert list(kinds.values_list("kind", flat=True)) == ["reads.allowed", "reads.stopped"]


def test_the_host_page_offers_it_to_those_who_may_and_refuses_others(host, reader, person):
    page, act = f"/hosts/{host.pk}/", f"/hosts/{host.pk}/reads/"
    assert "Reads of LUNs" not in reader.get(page).content.decode()
    assert reader.post(act, {"act": "allow", "typed": "kvm01"}).status_code == 403
    admin = Client()
    admin.force_login(person("admin"))
    assert "Allow reads on kvm01" in admin.get(page).content.decode()
    assert "Type kvm01 to confirm" in admin.post(act, {"act": "allow", "typed": "x"}, follow=True).content.decode()
    host.refresh_from_db()
    assert not host.may_read
    assert "may be read" in admin.post(act, {"act": "allow", "typed": "kvm01"}, follow=True).content.decode()
    host.refresh_from_db()
    assert host.may_read
    assert "One block of each LUN is read" in reader.get(page).content.decode()
    assert "are read no more" in admin.post(act, {"act": "stop"}, follow=True).content.decode()
    assert admin.get(act).status_code == 405


# --- what a host counts


def failing(host, at, since=None):
    failed = [{"wwid": WWID, "dev": "sdb", "by": 4, "at": at.timestamp()}]
    flaps = [] if since is None else [{"wwid": WWID, "dev": "sdb", "since": since.timestamp()}]
    facts = {"failed": failed, "flaps": flaps}
    Look.objects.update_or_create(
        engine=host.engine,
        host=host,
        probe="lun_devices",
        defaults={"state": "read", "at": at, "facts": facts, "due_at": at},
    )


def test_pages_show_which_paths_failed_and_which_flap(host, reader):
    lun = Lun.objects.get(uuid=WWID)
    now = timezone.now()
    assert "The kernel counted no failure" in reader.get(f"/hosts/{host.pk}/").content.decode()
    failing(host, now - timedelta(minutes=3), since=now - timedelta(minutes=20))
    for page in (f"/hosts/{host.pk}/", f"/luns/{lun.pk}/"):
        text = reader.get(page).content.decode()
        assert "Flaps" in text
        assert "sdb" in text
    failing(host, now - timedelta(hours=2))
    assert "The kernel counted no failure" in reader.get(f"/luns/{lun.pk}/").content.decode()
    Look.objects.filter(probe="lun_devices").update(facts={"failed": [{"wwid": WWID}], "flaps": []})
    assert "The kernel counted no failure" in reader.get(f"/luns/{lun.pk}/").content.decode(), "of another release"


def test_the_host_page_shows_speeds_and_errors_of_the_last_hour(host, reader, boss):
    assert "The FC ports were not looked at yet." in reader.get(f"/hosts/{host.pk}/").content.decode()
    shows(host, port(A, 32.0))
    declared(host, boss, host.name)
    counters = (Counter("invalid_crc_count", 900), Counter("link_failure_count", 1), Counter("error_frames", None))
    slow = replace(port(A, 16.0), counters=counters)
    now = timezone.now().timestamp()
    grown = (Growth(A, "invalid_crc_count", 7, now - 60), Growth(A, "invalid_crc_count", 5, now))
    facts = facts_json.dump(FcFacts("b", (slow,), (), growths=grown))
    Look.objects.filter(host=host, probe="fc_ports").update(facts=facts, at=timezone.now())
    looks = list(Look.objects.filter(host=host, probe="fc_ports"))
    (row,) = pages_ports.ports(host, looks, {A: 32.0}, timezone.now()).rows
    assert (row.slow, row.total) == (True, 12)
    assert dict(row.errors) == {"invalid_crc_count": 12, "link_failure_count": 0, "error_frames": None}
    text = reader.get(f"/hosts/{host.pk}/").content.decode()
    assert "16 Gbit" in text
    assert "slow" in text
    Look.objects.filter(host=host, probe="fc_ports").update(at=timezone.now() - timedelta(hours=1))
    assert "The last look at the FC ports is too old." in reader.get(f"/hosts/{host.pk}/").content.decode()
    Look.objects.filter(host=host, probe="fc_ports").update(at=timezone.now(), state="unreadable", sentence="Cut.")
    assert "Cut." in reader.get(f"/hosts/{host.pk}/").content.decode()
    Look.objects.filter(host=host, probe="fc_ports").update(state="read", facts={"x": 1})
    assert "another release" in reader.get(f"/hosts/{host.pk}/").content.decode()


def test_what_is_counted_within_an_hour_is_drawn_over_a_day(host, reader):
    shows(host, port(A, 32.0))
    look = Look.objects.get(host=host, probe="fc_ports")
    end = int(timezone.now().timestamp()) // 300 * 300
    for number in range(24):
        at = datetime.fromtimestamp(end - 300 * number, UTC)
        put(look, "fc_counted", at, 1)
        if number in (3, 4, 20):
            put(look, f"invalid_crc_count:{A}", at, 10 + number)
    curves = pages_ports.curves([look], timezone.now())
    crc = [value for _, value in curves["CRC errors"]]
    assert len(crc) == 24
    assert crc[-1] == 27, "13 and 14 within the last hour"
    assert crc[-4:] == [27, 27, 27, 27]
    assert max(crc[:4]) == 30
    assert set(curves["link failures"][n][1] for n in range(24)) == {0.0}, "nothing grew, and somebody looked"
    assert curves["path failures"] == [], "nobody counted"
    text = reader.get(f"/hosts/{host.pk}/").content.decode()
    assert "CRC errors 27" in text
    assert "path failures no data" in text


def put(look, series, at, value):
    Rollup.objects.create(look=look, series=series, bucket=at, count=1, low=value, high=value, total=value, last=value)


def test_the_chart_has_a_scale_for_one_error_and_for_millions():
    end = timezone.now()
    window = (end - timedelta(days=1), end)
    for value in (0.0, 1.0, 3_000_000.0):
        chart = counted_chart({"CRC errors": [(end - timedelta(minutes=5), value)], "path failures": []}, window)
        assert 2 <= len(chart.levels) <= 6
        assert not chart.empty


def test_the_api_tells_the_same(host, person):
    api = APIClient()
    _, secret = create_token(person("admin"), "t", ("estate.view", "estate.manage"), 30, "test")
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {secret.reveal()}")
    now = timezone.now()
    shows(host, port(A, 32.0), best=(Best(A, 64.0),))
    failing(host, now, since=now)
    base = f"/api/v1/hosts/{host.pk}"
    (told,) = api.get(f"{base}/fc-ports/").json()["ports"]
    assert (told["wwpn"], told["gbit"], told["declared_gbit"], told["slow"]) == (A, 32.0, None, True)
    (path,) = api.get(f"{base}/failing-paths/").json()
    assert (path["wwid"], path["device"], path["failures"]) == (WWID, "sdb", 4)
    lun = Lun.objects.get(uuid=WWID)
    assert api.get(f"/api/v1/luns/{lun.pk}/failing-paths/").json() == [path]
    assert api.get(f"/api/v1/luns/{lun.pk}/latency/").json() == []
    assert api.post(f"{base}/reads/", {"allowed": True, "confirm": "x"}, format="json").status_code == 422
    assert api.post(f"{base}/reads/", {"allowed": True, "confirm": "kvm01"}, format="json").json() == {"allowed": True}
    host.refresh_from_db()
    assert host.may_read
    assert api.post(f"{base}/reads/", {"allowed": False}, format="json").json() == {"allowed": False}
