"""Every act works as a plain form, without a script; who may not is refused in words."""

from __future__ import annotations

import pytest
from django.test import Client

from inventory.models import Host
from portal.evidence.models import Record
from portal.runs.models import Run
from tests.ui import world


@pytest.fixture
def kvm01(db):
    world.build("healthy")
    return Host.objects.get(name="kvm01")


@pytest.fixture
def run(kvm01):
    world.runs()
    return Run.objects.get(status="running")


def as_(person, role: str) -> Client:
    client = Client(enforce_csrf_checks=False)
    client.force_login(person(role))
    return client


def start(client: Client, host: Host, **changed: str):
    page = client.get(f"/runs/new/support_bundle/{host.pk}/")
    given = {"key": page.context["key"], "log_lines": "500", "change": "CHG0034817", **changed}
    return client.post(f"/runs/new/support_bundle/{host.pk}/", given)


def test_a_run_starts_from_a_host_page(kvm01, reader):
    assert f"/runs/new/support_bundle/{kvm01.pk}/" in reader.get(f"/hosts/{kvm01.pk}/").content.decode()
    answer = start(reader, kvm01)
    run = Run.objects.get()
    assert answer["Location"] == f"/runs/{run.pk}/"
    assert (run.requested_by, run.change, run.parameters) == ("operator1", "CHG0034817", {"log_lines": 500})
    page = reader.get(answer["Location"]).content.decode()
    assert "Support bundle" in page
    assert "Hold before next step" in page


def test_a_second_click_starts_nothing(kvm01, reader):
    page = reader.get(f"/runs/new/support_bundle/{kvm01.pk}/")
    given = {"key": page.context["key"], "log_lines": "500", "change": ""}
    first = reader.post(f"/runs/new/support_bundle/{kvm01.pk}/", given)
    second = reader.post(f"/runs/new/support_bundle/{kvm01.pk}/", given)
    assert first["Location"] == second["Location"]
    assert Run.objects.count() == 1


def test_a_wrong_parameter_is_refused_in_words_and_kept_in_the_form(kvm01, reader):
    answer = start(reader, kvm01, log_lines="many")
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "Lines of each log" in page.split('role="alert"')[1]
    assert 'value="many"' in page
    assert Run.objects.count() == 0


def test_a_target_with_an_active_run_is_refused_with_its_name(kvm01, reader):
    start(reader, kvm01)
    answer = start(reader, kvm01)
    assert answer.status_code == 422
    assert f"Run {Run.objects.get().pk}" in answer.content.decode()


def test_hold_and_resume(run, reader):
    reader.post(f"/runs/{run.pk}/hold/")
    run.refresh_from_db()
    assert run.held_by == "operator1"
    page = reader.get(f"/runs/{run.pk}/").content.decode()
    assert "Held by operator1" in page
    assert "Resume" in page
    reader.post(f"/runs/{run.pk}/resume/")
    run.refresh_from_db()
    assert run.held_by == ""


def test_abort_says_first_which_undos_will_run(run, reader):
    page = reader.get(f"/runs/{run.pk}/abort/").content.decode()
    assert page.index("2. Collect logs") < page.index("1. Make the bundle")
    assert "rm -rf .holdfast/bundle-1" in page
    answer = reader.post(f"/runs/{run.pk}/abort/", {"reason": "wrong host"}, follow=True)
    run.refresh_from_db()
    assert (run.abort_by, run.abort_reason) == ("operator1", "wrong host")
    assert "its undos run now" in answer.content.decode()


def test_a_get_never_acts(run, reader):
    for act in ("hold", "resume", "approve"):
        assert reader.get(f"/runs/{run.pk}/{act}/").status_code in (403, 405)
    assert reader.get(f"/runs/{run.pk}/retry/2/").status_code == 405


def test_approval_needs_another_person_and_the_hash_that_was_shown(run, person, reader):
    waiting = Run.objects.get(status="awaiting_approval")
    own = reader.get(f"/runs/{waiting.pk}/").content.decode()
    assert "Approve this plan" not in own
    assert "another person approves it" in own
    approver = as_(person, "approver")
    assert "Approve this plan" in approver.get(f"/runs/{waiting.pk}/").content.decode()
    answer = approver.post(f"/runs/{waiting.pk}/approve/", {"digest": "0" * 64}, follow=True)
    assert "nothing was approved" in answer.content.decode()
    waiting.refresh_from_db()
    assert waiting.status == "awaiting_approval"
    approver.post(f"/runs/{waiting.pk}/approve/", {"digest": waiting.digest})
    waiting.refresh_from_db()
    assert (waiting.status, waiting.approved_by) == ("queued", "approver1")


def test_a_failed_step_offers_its_retry(run, reader):
    failed = Run.objects.get(status="failed")
    assert "Retry step 2" in reader.get(f"/runs/{failed.pk}/").content.decode()
    reader.post(f"/runs/{failed.pk}/retry/2/")
    failed.refresh_from_db()
    assert failed.status == "queued"


def test_a_refusal_of_the_service_is_told_on_the_page(run, reader):
    failed = Run.objects.get(status="failed")
    answer = reader.post(f"/runs/{failed.pk}/hold/", follow=True)
    assert "cannot be held" in answer.content.decode()


@pytest.mark.parametrize("path", ["hold/", "resume/", "abort/", "retry/2/", "approve/"])
def test_a_viewer_acts_on_nothing_and_the_refusal_is_recorded(path, run, person):
    viewer = as_(person, "viewer")
    answer = viewer.post(f"/runs/{run.pk}/{path}")
    assert answer.status_code == 403
    assert "may not" in answer.content.decode()
    assert Record.objects.filter(kind="access.denied", subject="person:viewer1").exists()
    assert "Hold before next step" not in viewer.get(f"/runs/{run.pk}/").content.decode()


def test_forms_carry_a_token_and_are_refused_without_it(run, person):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(person("operator"))
    answer = strict.post(f"/runs/{run.pk}/hold/")
    assert answer.status_code == 403
    assert "Nothing was changed" in answer.content.decode()
    assert "csrfmiddlewaretoken" in strict.get(f"/runs/{run.pk}/").content.decode()


def test_lists_sort_filter_and_page_by_their_url(kvm01, reader):
    page = reader.get("/hosts/?sort=-name").content.decode()
    assert page.index(">kvm02</a>") < page.index(">kvm01</a>")
    assert 'aria-sort="descending"' in page
    assert "kvm02" not in reader.get("/hosts/?q=kvm01").content.decode().split("<tbody>")[1]
    assert "No host matches" in reader.get("/hosts/?state=fail").content.decode()
    assert reader.get("/hosts/?sort=password&page=x&state=purple").status_code == 200
    assert reader.get("/luns/?page=99").status_code == 200
    assert "oradb02" in reader.get("/luns/?q=oradb02").content.decode()


def test_a_list_comes_as_csv_and_defuses_formulas(kvm01, reader):
    Host.objects.filter(name="kvm02").update(address="=cmd()")
    answer = reader.get("/hosts/?format=csv")
    assert answer["Content-Type"].startswith("text/csv")
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert lines[0].startswith("host,state,")
    assert lines[1].startswith("kvm01,ok,")
    assert "'=cmd()" in lines[2]


def test_strangers_see_nothing(kvm01, client):
    for path in ("/", "/engine/", f"/hosts/{kvm01.pk}/", "/evidence/", "/runs/", "/help/keys/"):
        assert client.get(path)["Location"].startswith("/login/"), path
    fragment = client.get("/hosts/", headers={"HX-Request": "true"})
    assert fragment.headers["HX-Redirect"].startswith("/login/")


def test_evidence_is_not_for_every_role(kvm01, person):
    assert as_(person, "viewer").get("/evidence/").status_code == 403
    assert as_(person, "auditor").get("/evidence/").status_code == 200
    number = Record.objects.latest("number").number
    assert "fit its hash" in as_(person, "auditor").get(f"/evidence/{number}/").content.decode()
