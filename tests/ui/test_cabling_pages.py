"""The declared cabling by page and API: proposed by one person, decided on by another, then used by the proof."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from inventory.models import Cabling, Finding, Host, Site
from inventory.services import cabling, pages_cabling
from portal.evidence.models import Record
from tests.ui import san_scene, world

pytestmark = pytest.mark.django_db


@pytest.fixture
def engine():
    made = world.build("healthy")
    san_scene.declare(made)
    san_scene.tell(made, san_scene.san(made))
    return made


@pytest.fixture
def operator(reader):
    return reader


@pytest.fixture
def approver(person):
    client = Client()
    client.force_login(person("approver"))
    return client


def text(answer) -> str:
    return answer.content.decode()


def seen(engine) -> str:
    return pages_cabling.from_seen(engine, timezone.now())


def proposed(engine, client, table: str, **more):
    return client.post("/cabling/propose/", {"act": "propose", "engine": engine.pk, "text": table, **more})


def approved(engine, operator, approver, table: str) -> Cabling:
    proposed(engine, operator, table)
    row = cabling.waiting(engine)
    answer = approver.post(f"/cabling/{row.pk}/approve/", {"sha256": row.sha256})
    assert answer.status_code == 302, text(answer)
    row.refresh_from_db()
    return row


def test_an_estate_without_devices_has_no_cabling(operator):
    world.build("healthy")
    assert "No cabling is declared" in text(operator.get("/cabling/"))
    assert operator.get("/cabling.csv").status_code == 404
    assert operator.get("/cabling/propose/").status_code == 404


def test_from_what_is_plugged_in_to_a_cabling_that_holds(engine, operator, approver, django_assert_max_num_queries):
    page = text(operator.get("/cabling/"))
    assert "No cable is declared" in page
    begin = text(operator.get("/cabling/propose/?from=seen"))
    assert "hba,kvm01," in begin
    assert "fabric,SWB1,,B" in begin
    answer = proposed(engine, operator, seen(engine), reason="CHG-7")
    row = cabling.waiting(engine)
    assert answer["Location"] == f"/cabling/{row.pk}/"
    assert cabling.approved(engine) is None, "nothing holds before another person approves it"
    mine = text(operator.get(f"/cabling/{row.pk}/"))
    assert "Withdraw this cabling" in mine
    assert "Approve this cabling" not in mine
    assert "Waits for a second person" in text(operator.get("/cabling/"))
    theirs = text(approver.get(f"/cabling/{row.pk}/"))
    assert "Approve this cabling" in theirs
    assert "CHG-7" in theirs
    done = approver.post(f"/cabling/{row.pk}/approve/", {"sha256": row.sha256})
    assert done["Location"].startswith("/cabling/")
    assert cabling.approved(engine).pk == row.pk
    record = Record.objects.get(kind="cabling.approved")
    assert (record.actor, record.body["sha256"], record.body["proposed_by"]) == ("approver1", row.sha256, "operator1")
    assert len(record.body["added"]) == len(cabling.lines_of(row))
    san_scene.prove_now(engine)
    with django_assert_max_num_queries(20):
        page = text(operator.get("/cabling/"))
    total = sum(line.kind in ("hba", "array") for line in cabling.lines_of(row))
    assert f"{total} of {total} declared cables as planned" in page
    assert not Finding.objects.filter(look__probe="redundancy", check_name__startswith="cabl").exists()
    assert text(operator.get("/cabling.csv")) == row.text
    assert "Nothing: the table is what holds already" in text(operator.get("/cabling/propose/"))


def test_a_cable_that_moves_becomes_a_finding_and_a_line_on_the_page(engine, operator, approver):
    made = san_scene.san(engine)
    approved(engine, operator, approver, seen(engine))
    made.hbas[0].port, made.hbas[2].port = made.hbas[2].port, made.hbas[0].port
    san_scene.tell(engine, made)
    said = sorted(Finding.objects.filter(check_name="cabled_elsewhere").values_list("sentence", flat=True))
    assert len(said) == 2
    assert "of kvm01 belongs to port 9 of SWA1 by the plan and is logged in at port 10 of SWA1" in said[0]
    page = text(operator.get("/cabling/"))
    assert "Elsewhere" in page
    assert said[0].split(":")[0] in page
    told = operator.get(f"/api/v1/cablings/cables/?engine={engine.pk}").json()
    assert {one["standing"] for one in told} == {"as planned", "elsewhere"}


def test_both_fabrics_on_one_pdu_are_proven(engine, operator, approver):
    table = seen(engine) + "pdu,SWA1,,PDU-1,,\npdu,SWB1,,PDU-1,,\n"
    approved(engine, operator, approver, table)
    san_scene.prove_now(engine)
    assert "If PDU-1 dies" in Finding.objects.get(check_name="redundancy", subject_kind="estate").sentence
    page = text(operator.get("/topology/?without=pdu:PDU-1"))
    assert "would lose all paths" in page
    assert "The power of" in text(operator.get("/cabling/"))


def test_hosts_get_sites_of_their_own(engine, operator, approver):
    Site.objects.get_or_create(name="DR", defaults={"role": "dr"})
    wrong = proposed(engine, operator, seen(engine) + "site,kvm02,,DRR,,\n")
    assert (wrong.status_code, "There is no site DRR" in text(wrong)) == (422, True)
    approved(engine, operator, approver, seen(engine) + "site,kvm02,,dr,,\n")
    moved = Host.objects.get(name="kvm02")
    assert moved.site.name == "DR"
    assert "olvm-engine, DR" in text(operator.get(f"/hosts/{moved.pk}/"))
    san_scene.prove_now(engine)
    assert "Site DR" in text(operator.get("/topology/"))
    assert "If: kvm02 would be gone" in text(operator.get("/topology/?without=site:DR"))
    bare = "\n".join(line for line in seen(engine).splitlines() if not line.startswith("site")) + "\n"
    approved(engine, operator, approver, bare)
    assert Host.objects.get(name="kvm02").site is None


def test_mistakes_are_told_by_line_and_nothing_is_proposed(engine, operator):
    answer = proposed(engine, operator, "kind,name,port,at,at_port,card\nhba,kvm01,nonsense,SWA1,0,\n")
    assert answer.status_code == 422
    assert "Line 2: nonsense is no WWPN" in text(answer)
    assert "hba,kvm01,nonsense" in text(answer), "what was written is still there"
    assert not Cabling.objects.exists()


def test_a_line_is_added_without_script_and_a_file_is_taken(engine, operator):
    form = {
        "act": "add",
        "engine": engine.pk,
        "text": "",
        "new_kind": "rack",
        "new_name": "kvm01",
        "new_at": "R1, left",
    }
    page = text(operator.post("/cabling/propose/", form))
    assert "rack,kvm01,,&quot;R1, left&quot;" in page
    assert "kvm01 is in rack R1, left." in page
    file = SimpleUploadedFile("c.csv", "kind;name;port;at;at_port\nrack;kvm02;;R2;\n".encode("utf-8-sig"))
    page = text(operator.post("/cabling/propose/", {"act": "check", "engine": engine.pk, "file": file}))
    assert "kvm02 is in rack R2." in page
    bad = SimpleUploadedFile("c.csv", "Wärme".encode("utf-16"))
    answer = operator.post("/cabling/propose/", {"act": "check", "engine": engine.pk, "file": bad})
    assert (answer.status_code, "no UTF-8 text" in text(answer)) == (422, True)
    assert not Cabling.objects.exists()


def test_names_that_nobody_has_are_shown_to_whoever_approves(engine, operator, approver):
    proposed(engine, operator, seen(engine) + "rack,kvm99,,R1,,\n")
    row = cabling.waiting(engine)
    assert "It names kvm99, which nobody of the estate is" in text(approver.get(f"/cabling/{row.pk}/"))
    approver.post(f"/cabling/{row.pk}/approve/", {"sha256": row.sha256})
    san_scene.prove_now(engine)
    assert Finding.objects.filter(check_name="plan_names_nobody").exists()
    assert "The plan names kvm99" in text(operator.get("/cabling/"))


def test_nobody_approves_their_own_and_nobody_else_withdraws_it(engine, operator, approver, person):
    proposed(engine, operator, seen(engine))
    row = cabling.waiting(engine)
    assert operator.post(f"/cabling/{row.pk}/approve/", {"sha256": row.sha256}).status_code == 403
    with pytest.raises(cabling.CannotDecide, match="another person approves it"):
        cabling.approve(row.pk, person("operator"), row.sha256)
    with pytest.raises(cabling.CannotDecide, match="no second pair of eyes"):
        cabling.approve(row.pk, person("viewer"), row.sha256)
    with pytest.raises(IntegrityError), transaction.atomic():
        Cabling.objects.filter(pk=row.pk).update(state="approved", decided_by="operator1")
    with pytest.raises(cabling.CannotDecide, match="alone may withdraw it"):
        cabling.withdraw(row.pk, "approver1")
    stale = approver.post(f"/cabling/{row.pk}/approve/", {"sha256": "0" * 64})
    assert (stale.status_code, "Nothing was decided: read it again" in text(stale)) == (409, True)
    assert cabling.approved(engine) is None


def test_a_refusal_needs_a_reason_and_ends_it(engine, operator, approver):
    proposed(engine, operator, seen(engine))
    row = cabling.waiting(engine)
    assert approver.post(f"/cabling/{row.pk}/refuse/", {"why": " "}).status_code == 409
    assert approver.post(f"/cabling/{row.pk}/refuse/", {"why": "SWA1 is not cabled so."}).status_code == 302
    page = text(operator.get(f"/cabling/{row.pk}/"))
    assert "approver1 refused it: SWA1 is not cabled so." in page
    again = approver.post(f"/cabling/{row.pk}/approve/", {"sha256": row.sha256})
    assert (again.status_code, "It is refused by approver1 already" in text(again)) == (409, True)
    proposed(engine, operator, seen(engine))
    row = cabling.waiting(engine)
    assert operator.post(f"/cabling/{row.pk}/withdraw/").status_code == 302
    assert "operator1 withdrew it." in text(operator.get(f"/cabling/{row.pk}/"))
    assert {one.kind for one in Record.objects.filter(kind__startswith="cabling.")} == {
        "cabling.proposed", "cabling.refused", "cabling.withdrawn",
    }  # fmt: skip


def test_one_waits_at_a_time_and_what_changes_nothing_is_not_proposed(engine, operator, approver):
    approved(engine, operator, approver, seen(engine))
    same = proposed(engine, operator, seen(engine))
    assert (same.status_code, "is declared already" in text(same)) == (409, True)
    proposed(engine, operator, seen(engine) + "rack,kvm01,,R1,,\n")
    second = proposed(engine, operator, seen(engine) + "rack,kvm01,,R2,,\n")
    assert (second.status_code, "waits: decide on it" in text(second)) == (409, True)
    row = cabling.waiting(engine)
    change = cabling.against(row)
    assert ([one.at for one in change.added], change.dropped) == (["R1"], ())
    old = cabling.approved(engine)
    approver.post(f"/cabling/{row.pk}/approve/", {"sha256": row.sha256})
    old.refresh_from_db()
    assert (old.state, len(cabling.against(old).added)) == ("replaced", len(cabling.lines_of(old)))


def test_a_text_that_was_changed_by_a_shell_holds_no_more(engine, operator, approver):
    row = approved(engine, operator, approver, seen(engine))
    Cabling.objects.filter(pk=row.pk).update(text=row.text + "rack,kvm01,,R1,,\n")
    assert cabling.approved(engine) is None
    assert "No cabling is declared" in text(operator.get("/cabling/"))
    Cabling.objects.all().delete()
    proposed(engine, operator, seen(engine))
    row = cabling.waiting(engine)
    Cabling.objects.filter(pk=row.pk).update(text=row.text + "rack,kvm01,,R1,,\n")
    answer = approver.post(f"/cabling/{row.pk}/approve/", {"sha256": row.sha256})
    assert (answer.status_code, "was changed after it was proposed" in text(answer)) == (409, True)


def test_the_api_proposes_and_decides(engine, operator, approver, person):
    viewer = Client()
    viewer.force_login(person("viewer"))
    table = operator.get(f"/api/v1/cablings/plugged/?engine={engine.pk}").json()["text"]
    wish = {"engine": engine.pk, "text": table, "reason": "CHG-8"}

    def post(client, path, body):
        return client.post(f"/api/v1/cablings/{path}", body, content_type="application/json")

    assert post(viewer, "", wish).status_code == 403
    assert post(operator, "", wish | {"engine": 0}).status_code == 404
    assert post(operator, "", wish | {"lines": []}).status_code == 422
    bad = post(operator, "", {"engine": engine.pk, "text": "kind,name\n"})
    assert (bad.status_code, "The head names no column port" in text(bad)) == (422, True)
    made = post(operator, "", wish)
    assert made.status_code == 201
    row = made.json()
    assert post(operator, "", wish).status_code == 409
    assert post(operator, f"{row['id']}/approve/", {"sha256": row["sha256"]}).status_code == 403
    assert post(approver, f"{row['id']}/approve/", {"sha256": "1" * 64}).status_code == 409
    done = post(approver, f"{row['id']}/approve/", {"sha256": row["sha256"]})
    assert (done.status_code, done.json()["state"]) == (200, "approved")
    lines = [{"kind": "rack", "name": "kvm01", "at": "R1"}]
    made = post(operator, "", {"engine": engine.pk, "lines": lines}).json()
    assert made["text"].splitlines()[1:] == ["rack,kvm01,,R1,,"]
    assert post(approver, f"{made['id']}/refuse/", {"why": "no"}).json()["state"] == "refused"
    made = post(operator, "", {"engine": engine.pk, "lines": lines}).json()
    assert post(operator, f"{made['id']}/withdraw/", {}).json()["state"] == "withdrawn"
    assert post(operator, f"{made['id']}/withdraw/", {}).status_code == 409
    held = operator.get("/api/v1/cablings/?state=approved").json()["results"]
    assert [one["id"] for one in held] == [row["id"]]
    assert operator.get("/api/v1/cablings/cables/?engine=x").status_code == 404
