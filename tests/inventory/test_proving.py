"""Switches, arrays and hosts of the lab, looked at and proven: what the tables say while all is well and what after."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from deploy.seed_demo import seed_cabling, seed_devices
from inventory.models import ApprovedCopy, Cabling, Device, Finding, Look, Rollup, Site
from inventory.redundancy.lint import lint
from inventory.services import device_trust, gathering, proving, replicating, upkeep
from inventory.services.pages_redundancy import redundancy
from portal.access.services import add_person
from portal.evidence.models import Record
from portal.kernel.secret import Secret
from tests.fixtures_estate_lab import KEY, known, lab, settle  # noqa: F401

pytestmark = [pytest.mark.django_db, pytest.mark.wire]
CABLING_RULES = {
    "CABLED_ELSEWHERE", "CABLED_NOT_LOGGED_IN", "PORT_TAKEN", "CABLE_NOT_DECLARED", "LINK_MISSING", "LINK_NOT_DECLARED",
    "FABRIC_NOT_AS_DECLARED", "CARD_DIFFERS", "PLAN_NAMES_NOBODY", "POWER_NOT_DECLARED",
}  # fmt: skip


@pytest.fixture
def engine(lab):  # noqa: F811
    made = known(lab)
    Site.objects.create(name="DR", role="dr")
    seed_devices(made, lab.estate)
    assert upkeep.sync_once(made.pk, storage=True).failed == {}
    yield made
    lab.http("DELETE", "/faults")
    settle()


@pytest.fixture
def admin():
    """A client of an administrator."""
    client = Client()
    client.force_login(add_person("admin1", "admin", Secret("not-a-secret-1234"), by="test", demo=True))
    return client


def looked():
    """Everything anew, then the proof."""
    Look.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    settle()
    Look.objects.filter(probe="redundancy").update(due_at=timezone.now() - timedelta(seconds=1))
    return proving.tick()


def said(kind, check="redundancy"):
    rows = Finding.objects.filter(look__probe="redundancy", subject_kind=kind, check_name=check)
    return {row.subject_key: row.outcome for row in rows}


def test_a_healthy_estate_is_proven_once_and_then_only_looked_at(engine):
    assert looked() == 1
    assert set(Look.objects.filter(device__isnull=False).values_list("state", flat=True)) == {"read"}
    assert Device.objects.count() == 4
    whole = Finding.objects.get(look__probe="redundancy", subject_kind="estate")
    assert whole.outcome == "ok", whole.sentence
    assert set(said("lun").values()) == {"ok"}
    assert set(said("vm").values()) == {"ok"}
    assert proving.proof_of(engine, timezone.now()) is proving.proof_of(engine, timezone.now())
    row = Look.objects.get(probe="redundancy")
    Look.objects.filter(pk=row.pk).update(due_at=timezone.now() - timedelta(seconds=1))
    assert proving.tick() == 0
    later = Look.objects.get(pk=row.pk)
    assert later.at > row.at
    assert (later.sha256, later.facts) == (row.sha256, row.facts)


def test_what_four_even_paths_hide_is_named(engine, lab):  # noqa: F811
    lab.fault("one-controller-zoned", "DORADO-PROD", controller="0A")
    assert looked() == 1
    assert "fail" in said("lun").values()
    sentence = Finding.objects.filter(look__probe="redundancy", subject_kind="estate").get().sentence
    assert "0A" in sentence, sentence


def test_a_switch_that_does_not_answer_makes_the_proof_unknown(engine):
    looked()
    Look.objects.filter(device__name="SWA1").update(at=timezone.now() - timedelta(hours=1))
    missing = gathering.gathered(engine, timezone.now()).missing
    assert [(one.kind, one.name) for one in missing] == [("switch", "SWA1")]
    assert "last looked at by switch" in missing[0].why
    assert proving.proof_of(engine, timezone.now()).whole.outcome == "unknown"


def test_a_certificate_is_pinned_only_as_it_was_shown(engine, admin):
    switch = Device.objects.get(name="SWA1")
    there = device_trust.shown(switch.pin_pem)
    Device.objects.filter(pk=switch.pk).update(pin_pem="")
    page = f"/devices/{switch.pk}/certificate/"
    assert there.fingerprint in admin.get(page).content.decode()
    mark = device_trust.ask(switch).mark
    for given in ({"typed": "SWA1", "mark": "00:11"}, {"typed": "SWB1", "mark": mark}):
        answer = admin.post(page, given)
        assert answer.status_code == 422
        assert Device.objects.get(pk=switch.pk).pin_pem == ""
    answer = admin.post(page, {"typed": "SWA1", "mark": mark})
    assert answer["Location"] == f"/devices/{switch.pk}/"
    assert device_trust.shown(Device.objects.get(pk=switch.pk).pin_pem) == there
    record = Record.objects.get(kind="device.pinned")
    assert (record.subject, record.body["certificate_sha256"]) == ("device:SWA1", there.fingerprint)
    assert "shows its pinned certificate" in admin.get(page).content.decode()


def test_pages_show_devices_as_they_are(engine, admin):
    looked()
    page = admin.get("/devices/").content.decode()
    assert all(name in page for name in ("SWA1", "SWB1", "DORADO-PROD", "DORADO-DR"))
    for device in Device.objects.all():
        with CaptureQueriesContext(connection) as queries:
            one = admin.get(f"/devices/{device.pk}/")
        assert one.status_code == 200
        assert len(queries) <= 10
        assert device.password.reveal() not in one.content.decode()
    Look.objects.filter(device__name="SWB1").update(at=timezone.now() - timedelta(hours=1))
    assert "SWB1 was last looked at by switch" in admin.get("/devices/").content.decode()


def test_the_overview_says_what_the_proof_says(engine, lab):  # noqa: F811
    looked()
    assert redundancy(timezone.now()).answer.word == "Not known"  # no path was declared
    lab.fault("one-controller-zoned", "DORADO-PROD", controller="0A")
    looked()
    assert redundancy(timezone.now()).answer.word == "No"
    Look.objects.filter(probe="redundancy").update(at=timezone.now() - timedelta(minutes=10))
    assert redundancy(timezone.now()).answer.word != "Yes"


def judged():
    """The arrays anew, then their replication."""
    looked()
    Look.objects.filter(probe="replication").update(due_at=timezone.now() - timedelta(seconds=1))
    assert replicating.tick() == 1
    return redundancy(timezone.now()).loss


def test_replication_is_judged_from_both_arrays(engine, lab):  # noqa: F811
    assert judged()[:2] == ("Nothing", "ok")
    pairs = replicating.judged(engine, timezone.now()).pairs
    assert len(pairs) == 6
    assert {one.loss.seconds for one in pairs} == {0.0}
    lab.fault("pair-split", "")
    word, outcome, sentence = judged()
    assert (word, outcome) != ("Nothing", "ok")
    assert "split" in sentence
    assert Rollup.objects.filter(look__probe="replication").exists()


def test_a_map_is_approved_as_it_was_shown_and_its_drift_fails(engine, admin):
    judged()
    page = admin.get("/replication/").content.decode()
    assert "Not approved" in page
    shown = replicating.judged(engine, timezone.now()).shown
    operator = Client()
    operator.force_login(add_person("operator1", "operator", Secret("not-a-secret-1234"), by="test", demo=True))
    operator.post(f"/replication/{engine.pk}/approve/", {"shown": "another"})
    assert ApprovedCopy.objects.count() == 0
    assert admin.post(f"/replication/{engine.pk}/approve/", {"shown": shown}).status_code == 403
    operator.post(f"/replication/{engine.pk}/approve/", {"shown": shown})
    assert ApprovedCopy.objects.count() == 6
    assert Record.objects.get(kind="replication.approved").body["sha256"] == shown
    assert judged()[:2] == ("Nothing", "ok")
    with CaptureQueriesContext(connection) as queries:
        page = operator.get("/replication/").content.decode()
    assert len(queries) <= 11
    assert page.count("As approved") == 6
    row = ApprovedCopy.objects.first()
    ApprovedCopy.objects.filter(pk=row.pk).update(copy="f" * 32)
    judged()
    found = Finding.objects.get(look__probe="replication", check_name="replication_map", outcome="fail")
    assert found.subject_key == f"3{row.production}"
    assert "Drifted" in operator.get("/replication/").content.decode()


def test_an_array_that_is_silent_makes_the_loss_not_known(engine):
    judged()
    Look.objects.filter(device__name="DORADO-DR").update(at=timezone.now() - timedelta(hours=1))
    Look.objects.filter(probe="replication").update(due_at=timezone.now() - timedelta(seconds=1))
    replicating.tick()
    assert redundancy(timezone.now()).loss[0] == "Not known"
    with pytest.raises(replicating.CannotApprove, match="may not be whole"):
        replicating.approve(engine, "anna", "")


def test_a_switch_without_rest_is_read_by_its_command_line(engine, lab):  # noqa: F811
    told = next(one for one in lab.estate["switches"] if one["name"] == "SWA1")
    Device.objects.filter(name="SWA1").update(pin_pem="", ssh_port=told["ssh_port"], ssh_host_key=told["host_key"])
    looked()
    look = Look.objects.get(device__name="SWA1")
    assert (look.state, look.facts["source"]) == ("read", "ssh"), look.sentence
    assert Finding.objects.get(look__probe="redundancy", subject_kind="estate").outcome == "ok"


def test_rest_comes_first_and_the_command_line_behind_it(engine, lab):  # noqa: F811
    told = next(one for one in lab.estate["switches"] if one["name"] == "SWA1")
    Device.objects.filter(name="SWA1").update(ssh_port=told["ssh_port"], ssh_host_key=told["host_key"])
    looked()
    assert Look.objects.get(device__name="SWA1").facts["source"] == "rest"
    lab.fault("rest-not-ready", "SWA1")
    looked()
    look = Look.objects.get(device__name="SWA1")
    assert look.facts["source"] == "ssh"
    assert Finding.objects.get(look=look, subject_key="SWA1 first").outcome == "unknown"


def test_what_the_demo_declares_is_what_the_lab_has(engine, lab):  # noqa: F811
    """Cards, racks and power are in the demo's proof, and nothing of the table is contradicted by the fabrics."""
    add_person("approver", "approver", Secret("not-a-secret-1234"), by="test", demo=True)
    seed_cabling(engine, lab.estate)
    row = Cabling.objects.get()
    assert (row.state, row.proposed_by, row.decided_by) == ("approved", "operator", "approver")
    looked()
    assert Finding.objects.get(look__probe="redundancy", subject_kind="estate").outcome == "ok"
    proof = proving.proof_of(engine, timezone.now())
    plan = proof.estate.declared.plan
    assert plan is not None
    assert (plan.strange, plan.unfed) == ({}, ())
    assert not {one.rule for one in lint(proof.estate, proof=proof)} & CABLING_RULES
    assert {host.site.name for host in engine.hosts.select_related("site")} == {"PROD"}
    seed_cabling(engine, lab.estate)
    assert Cabling.objects.count() == 1, "what people declared since stays"
