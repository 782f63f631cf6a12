"""Pages of changes and change systems: what is allowed and why, how old that is, what was not delivered; what an
administrator sets, tries and rotates; every act by whom it belongs to."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from failover.services import change_alarm, frame
from inventory.models import Engine, Site
from portal.changes.asked import Asked
from portal.changes.models import Change, ChangeNote, ChangeSystem
from portal.changes.services import bind, look, note
from portal.changes.services.delivering import deliver_due
from portal.evidence.models import Record
from portal.kernel.change import ChangeRefused, ChangeUnreachable, Gate
from portal.kernel.secret import Secret

pytestmark = pytest.mark.django_db


@pytest.fixture
def as_(people):
    def enter(name: str) -> Client:
        client = Client()
        client.force_login(User.objects.get(username=name), backend="portal.access.backend.PeopleBackend")
        return client

    return enter


@pytest.fixture
def change(system, fake):
    fake.put("CHG1", Gate.AWAITING, sentence="CHG1 awaits the board.")
    return look(bind(Asked("CHG1"), "PROD", "anna", timezone.now()).pk)


def text(answer, status=200):
    assert answer.status_code == status, answer.content[:500]
    return " ".join(answer.content.decode().split())


def test_the_list_says_what_is_not_set_and_what_is_wrong(as_, fake):
    page = text(as_("anna").get("/changes/"))
    assert "No change system is set" in page
    assert "kept as text" in page


def test_the_list_and_the_page_say_state_reason_and_age(as_, change, fake):
    listed = text(as_("anna").get("/changes/"))
    assert "CHG1 awaits the board." in listed
    assert "1 change whose window is not over" in listed
    page = text(as_("anna").get(f"/changes/{change.pk}/"))
    for words in (
        "CHG1: awaits approval",
        "CHG1 awaits the board.",
        "olvm",
        "s ago",
        "It was not asked",
        "https://snow",
    ):
        assert words in page, words
    fake.error = ChangeUnreachable("snow does not answer: nothing listens there.")
    Change.objects.update(
        seen_at=timezone.now() - timedelta(minutes=1), tried_at=None
    )  # an attempt of this very second would be good enough
    answer = as_("anna").post(f"/changes/{change.pk}/read-back/", follow=True)
    page = text(answer)
    assert "CHG1: not read back" in page
    assert "not at the last attempt" in page
    assert "snow does not answer" in text(as_("anna").get("/changes/"))
    fake.error = None
    fake.clash = ("CHG9 works there.",)
    fake.put("CHG1", Gate.ALLOWED, sentence="The board approved it.")
    Change.objects.update(seen_at=timezone.now() - timedelta(minutes=1), tried_at=None)
    page = text(as_("anna").post(f"/changes/{change.pk}/read-back/", follow=True))
    assert "CHG1: allowed" in page
    assert "CHG9 works there." in page


def test_what_was_not_delivered_is_seen_everywhere_and_tried_again(as_, change, fake):
    Engine.objects.create(
        site=Site.objects.create(name="PROD"), name="olvm", url="https://o", username="a", password=Secret("x")
    )
    for word in ("one", "two"):
        note(change, f"run:1:{word}", "run:1", f"note {word}", timezone.now())
    fake.errors["note"] = [ChangeRefused("snow says no."), ChangeRefused("snow says no.")]
    deliver_due(timezone.now())
    client = as_("anna")
    page = text(client.get(f"/changes/{change.pk}/"))
    assert "0 delivered, 0 waiting, 2 not delivered" in page
    assert "snow says no." in page
    assert "2 notes not delivered" in text(client.get("/changes/"))
    banner = change_alarm.undelivered(frame.standings(timezone.now()))
    assert banner.sentence.startswith("2 notes to changes are not delivered")
    one, two = ChangeNote.objects.order_by("sequence")
    viewer = as_("berta")
    assert viewer.post(f"/changes/{change.pk}/notes/{one.pk}/again/").status_code == 403
    assert "queued again" in text(client.post(f"/changes/{change.pk}/notes/{one.pk}/again/", follow=True))
    assert "nothing was queued" in text(client.post(f"/changes/{change.pk}/notes/{one.pk}/again/", follow=True))
    assert "given up" in text(client.post(f"/changes/{change.pk}/notes/{two.pk}/give-up/", follow=True))
    assert "nothing was given up" in text(client.post(f"/changes/{change.pk}/notes/{two.pk}/give-up/", follow=True))
    deliver_due(timezone.now())
    assert change_alarm.undelivered(frame.standings(timezone.now())) is None


def wish(**fields):
    now = timezone.localtime()
    given = {
        "system": "snow", "short": "Drill of olvm", "kind": "normal", "begins": f"{now:%Y-%m-%dT%H:%M}",
        "ends": f"{now + timedelta(hours=4):%Y-%m-%dT%H:%M}", "ci": "olvm", "key": "k1",
    }  # fmt: skip
    return {**given, **fields}


def test_a_change_is_asked_for_by_a_form(as_, system, fake):
    client = as_("anna")
    assert "Ask for this change" in text(client.get("/changes/new/"))
    assert "It ends before it begins." in text(client.post("/changes/new/", wish(ends="2020-01-01T00:00")), 422)
    fake.errors["create"] = [ChangeRefused("snow wants a category.")]
    assert "snow wants a category." in text(client.post("/changes/new/", wish()), 422)
    answer = client.post("/changes/new/", wish(), follow=True)
    assert "CHG0000001: awaits approval" in text(answer)
    client.post("/changes/new/", wish())
    assert Change.objects.count() == 1
    assert as_("berta").get("/changes/new/").status_code == 403
    old = {"begins": "2020-01-01T00:00", "ends": "2020-01-02T00:00"}
    assert "It has ended already." in text(client.post("/changes/new/", wish(**old)), 422)


def form(**fields):
    given = {
        "name": "jira", "kind": "jira", "url": "https://jira.bank.example", "account": "holdfast", "enabled": "on",
        "new_secret": "s3cret-of-tests", "lines": "project=OPS", "where": "PROD\nPROD", "required": "ha",
        "closes": "on",
    }  # fmt: skip
    return {**given, **fields}


def test_an_administrator_sets_a_change_system(as_, db, fake):
    admin = as_("dora")
    assert as_("anna").get("/changes/systems/new/").status_code == 403
    assert "No change system is set" in text(admin.get("/changes/systems/"))
    for wrong, words in (
        ({"url": "http://jira.bank.example"}, "https"),
        ({"lines": "odd=1"}, "odd is no option of jira"),
        ({"lines": "project"}, "is no name=value"),
    ):
        assert words in text(admin.post("/changes/systems/new/", form(**wrong)), 422), wrong
    page = text(admin.post("/changes/systems/new/", form(), follow=True))
    row = ChangeSystem.objects.get()
    assert (row.sites, row.options, row.required) == (["PROD"], {"project": "OPS"}, "ha")
    assert row.secret.reveal() == "s3cret-of-tests"
    for words in ("jira: not asked yet", "stored, never shown", "drills and maintenance", "none: no callback counts"):
        assert words in page, words
    assert "s3cret" not in page
    edit = text(admin.get(f"/changes/systems/{row.pk}/edit/"))
    assert ("s3cret" in edit, "project=OPS" in edit) == (False, True)
    stale = form(new_secret="", version="9")
    assert "read it again" in text(admin.post(f"/changes/systems/{row.pk}/edit/", stale), 422)
    admin.post(f"/changes/systems/{row.pk}/edit/", form(new_secret="", version="1", enabled=""))
    row.refresh_from_db()
    assert (row.enabled, row.version, row.secret.reveal()) == (False, 2, "s3cret-of-tests")
    assert "jira: switched off" in text(admin.get(f"/changes/systems/{row.pk}/"))
    assert Record.objects.filter(kind="change_system.changed", actor="dora").exists()


def test_a_connection_is_tested_and_keys_are_changed(as_, system, fake):
    admin, url = as_("dora"), f"/changes/systems/{system.pk}/"
    assert "as it should be" in text(admin.post(url + "test/", follow=True))
    fake.error = ChangeRefused("snow takes no login.")
    page = text(admin.post(url + "test/", follow=True))
    assert "snow: does not answer" in page
    assert "snow does not answer" in text(admin.get("/changes/"))
    answer = admin.post(url + "rotate/")
    page = text(answer)
    fresh = ChangeSystem.objects.get().signing_key.reveal()
    assert (fresh in page, answer["Cache-Control"]) == (True, "no-store")
    assert fresh not in text(admin.get(url)), "shown once"
    assert "Only the new key counts now." in text(admin.post(url + "drop-former/", follow=True))
    assert "There is no former key." in text(admin.post(url + "drop-former/", follow=True))
    assert as_("anna").post(url + "rotate/").status_code == 403


def test_a_gate_is_lifted_by_two_and_every_page_says_so(as_, system):
    Engine.objects.create(
        site=Site.objects.create(name="PROD"), name="olvm", url="https://o", username="a", password=Secret("x")
    )
    url = f"/changes/systems/{system.pk}/"
    why = {"reason": "The change system burns and HA is away."}
    assert "at least 20" in text(as_("anna").post(url + "lift/", {"reason": "x"}), 422)
    assert "A second person confirms it" in text(as_("anna").post(url + "lift/", why, follow=True))
    assert "asked for already" in text(as_("carl").post(url + "lift/", why), 409)
    assert "Confirm: lift the gate" in text(as_("berta").get(url))
    assert as_("anna").post(url + "lift/confirm/").status_code == 403
    assert "Its gate is lifted" in text(as_("berta").post(url + "lift/confirm/", follow=True))
    banner = change_alarm.lifted(frame.standings(timezone.now()))
    assert "anna and berta lifted the gate of snow until" in banner.sentence
    assert "End the lift now" in text(as_("carl").get(url))
    assert "End the lift now" not in text(as_("dora").get(url))
    assert as_("dora").post(url + "lift/end/").status_code == 403
    assert "Its gate is lifted no longer." in text(as_("berta").post(url + "lift/end/", follow=True))
    assert "is not lifted" in text(as_("carl").post(url + "lift/end/"), 409)
    assert change_alarm.lifted(frame.standings(timezone.now())) is None
