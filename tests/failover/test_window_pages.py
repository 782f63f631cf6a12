"""Maintenance on the screen and over the API: what is offered, refused, confirmed and done once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from failover.models import Window
from failover.services import standing, windows
from failover.services.answer import proven
from inventory.models import Engine, Host
from inventory.services.pages_engine import looks_of, seen
from portal.changes.asked import Asked
from portal.changes.models import ChangeSystem
from portal.evidence.models import Record
from portal.runs.models import Run
from portal.runs.services import Refused
from tests.ui import world
from tests.ui.conftest import person, reader  # noqa: F401

pytestmark = pytest.mark.django_db
KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def engine():
    made = world.build("healthy")
    assert made is not None
    return Engine.objects.get(pk=made.pk)


@pytest.fixture
def allowing(monkeypatch):
    """Hosts that answer as the stored looks tell: nobody is asked over SSH."""

    def live(engine, but=0):
        (one,) = seen(looks_of_engine(engine), timezone.now())
        return standing.stored(one, but)

    monkeypatch.setattr("failover.services.windows.standing.live", live)


def looks_of_engine(engine):
    from django.db.models import Q

    return looks_of(Q(engine=engine))


def standby(engine) -> Host:
    return Host.objects.get(engine=engine, name="kvm02")


def given(**changed) -> dict[str, str]:
    until = timezone.localtime() + timedelta(hours=1)
    return {
        "reason": "kernel update",
        "deadline": f"{until:%Y-%m-%dT%H:%M}",
        "change": "CHG-7",
        "typed": "kvm02",
        "key": KEY,
        **changed,
    }


def enter_url(engine, scope="local") -> str:
    return reverse("maintenance-enter", args=[engine.pk, scope, 0 if scope == "global" else standby(engine).pk])


def text(answer) -> str:
    return answer.content.decode()


def test_the_page_says_that_there_is_no_maintenance_and_what_may_be_entered(engine, reader):  # noqa: F811
    page = text(reader.get(reverse("maintenance")))
    assert "<h1>No maintenance</h1>" in page
    assert enter_url(engine) in page
    assert enter_url(engine, "global") in page
    # the host of the engine VM stays visible with its refusal
    assert "Refused: Enter local maintenance of kvm01" in page
    assert "The engine VM runs on kvm01." in page
    assert "Switch the engine over to the other host first." in page
    assert reverse("maintenance") in text(reader.get(reverse("engine")))


def test_a_viewer_sees_it_and_may_not_act(engine, person):  # noqa: F811
    client = Client()
    client.force_login(person("viewer"))
    assert enter_url(engine) not in text(client.get(reverse("maintenance")))
    assert client.get(enter_url(engine)).status_code == 403
    assert client.post(enter_url(engine), given()).status_code == 403


def test_local_maintenance_is_entered_once_however_often_it_is_sent(engine, reader, allowing):  # noqa: F811
    page = text(reader.get(enter_url(engine)))
    assert "What will happen" in page
    assert "Type kvm02 to confirm" in page
    first, second = reader.post(enter_url(engine), given()), reader.post(enter_url(engine), given())
    run = Run.objects.get()
    assert [first.headers["Location"], second.headers["Location"]] == [reverse("run", args=[run.pk])] * 2
    window = Window.objects.get()
    assert (window.scope, window.host.name, window.owner, window.change) == ("local", "kvm02", "operator1", "CHG-7")
    assert (run.plan, run.parameters["on"], run.target) == (
        "she_maintenance_enter",
        standby(engine).pk,
        f"she:{engine.pk}",
    )
    assert 3600 < run.parameters["release_after"] <= 4200
    shown = text(reader.get(reverse("maintenance")))
    assert "is entering" in shown
    assert "CHG-7" in text(reader.get(reverse("overview")))  # the banner stands above every page


def twice(monkeypatch, on, other):
    """Another click with the same key is answered in the middle of the first one; each counts its seconds anew."""
    asked, seconds, until = [], iter(range(9)), windows._until

    def meanwhile(*given):
        if not asked:
            asked.append(None)
            asked[0] = other()
        return on

    def later(deadline):
        told = until(deadline)
        return {**told, "release_after": told["release_after"] - next(seconds)}

    monkeypatch.setattr(windows, "_until", later)
    monkeypatch.setattr(windows, "_guarded", meanwhile)
    monkeypatch.setattr(windows, "warm", meanwhile)
    return asked


def test_of_two_clicks_at_one_time_both_get_the_same_run(engine, monkeypatch):
    deadline, on = timezone.now() + timedelta(hours=1), standby(engine).pk
    wish = windows.Wish("local", standby(engine), "kernel update", deadline)

    def enter():
        return windows.start(engine, wish, "operator1", KEY)

    other = twice(monkeypatch, on, enter)
    assert enter().pk == other[0].pk
    Window.objects.update(state="active", release_on=standby(engine))
    Run.objects.update(status="succeeded")
    for act in (
        lambda: windows.extend(Window.objects.get(), deadline + timedelta(hours=1), "operator1", "more", KEY[:-1]),
        lambda: windows.leave(Window.objects.get(), "operator1", key=KEY[:-2]),
    ):
        other = twice(monkeypatch, on, act)
        assert act().pk == other[0].pk
        Run.objects.update(status="succeeded")
    assert Run.objects.count() == 3


def test_a_mistake_comes_back_with_what_was_entered(engine, reader, allowing):  # noqa: F811
    answer = reader.post(enter_url(engine), given(typed="kvm01"))
    assert (answer.status_code, Run.objects.count()) == (422, 0)
    assert "Type kvm02 to confirm which one is meant" in text(answer)
    assert "kernel update" in text(answer)
    answer = reader.post(enter_url(engine), given(deadline="2001-01-01T10:00"))
    assert (answer.status_code, "has passed" in text(answer)) == (422, True)


def test_hosts_that_do_not_answer_refuse_it_with_the_rule(engine, reader):  # noqa: F811
    """The looks allow it; asked right before, no host lets the portal in."""
    answer = reader.post(enter_url(engine), given())
    assert (answer.status_code, Run.objects.count(), Window.objects.count()) == (409, 0, 0)
    assert "What is not known refuses." in text(answer)
    assert "Why, with evidence" in text(answer)
    assert Record.objects.filter(kind="run.refused", actor="operator1").count() == 1


def test_there_is_no_maintenance_of_another_kind(engine, reader):  # noqa: F811
    for scope, host in (("local", 0), ("global", standby(engine).pk), ("all", 0)):
        assert reader.get(reverse("maintenance-enter", args=[engine.pk, scope, host])).status_code == 404
    assert reader.get(reverse("maintenance") + "?engine=99").status_code == 404


def active(engine, **fields) -> Window:
    values = {
        "engine": engine,
        "scope": "local",
        "host": standby(engine),
        "state": "active",
        "owner": "anna",
        "reason": "kernel update",
        "asked_at": timezone.now(),
        "deadline": timezone.now() + timedelta(hours=1),
    }
    return Window.objects.create(**(values | fields))


def test_a_window_is_left_extended_or_adopted_from_the_page(engine, reader, allowing):  # noqa: F811
    row = active(engine)
    page = text(reader.get(reverse("maintenance")))
    assert reverse("window-leave", args=[row.pk]) in page
    assert reverse("window-extend", args=[row.pk]) in page
    assert reverse("window-adopt", args=[row.pk]) not in page
    for name in ("window-leave", "window-extend", "window-adopt"):
        assert reader.get(reverse(name, args=[row.pk])).status_code == 200
    answer = reader.post(reverse("window-extend", args=[row.pk]), given())
    run = Run.objects.get()
    assert (answer.headers["Location"], run.plan) == (reverse("run", args=[run.pk]), "she_maintenance_extend")
    answer = reader.post(reverse("window-leave", args=[row.pk]), given(key="another"))
    assert answer.status_code == 409  # the extension is under way
    assert "under way" in text(answer)
    answer = reader.post(reverse("window-adopt", args=[row.pk]), given(key="a third"))
    assert "an owner already" in text(answer)


def test_leaving_is_never_refused_for_its_change(engine, allowing, monkeypatch):
    monkeypatch.setattr(windows, "_guarded", lambda *given: standby(engine).pk)
    row = active(engine, change="CHG1")
    ChangeSystem.objects.create(name="one", kind="servicenow", url="https://one")
    ChangeSystem.objects.create(name="two", kind="servicenow", url="https://two")
    with pytest.raises(Refused, match="name one of one, two"):
        windows.extend(row, timezone.now() + timedelta(hours=2), "anna", "it takes longer")
    run = windows.leave(row, "anna", Asked("CHG1", "renamed", "id-CHG1"))
    assert (run.plan, run.bound, run.change) == ("she_maintenance_leave", None, "")
    told = Record.objects.get(kind="window.leave_asked").body
    assert "renamed is not in charge" in told["unbound"], "why it belongs to no change is on record"


def test_leaving_asks_no_change_system_anything(engine, monkeypatch):
    """It may hang, and HA must come back."""
    monkeypatch.setattr(windows, "_guarded", lambda *given: standby(engine).pk)
    system = ChangeSystem.objects.create(name="one", kind="servicenow", url="https://one")
    asked = []
    monkeypatch.setattr("portal.changes.services.looking.opened", asked.append)
    run = windows.leave(active(engine, change="CHG1"), "anna", Asked("CHG1", "one", "f" * 32))
    assert (run.plan, run.bound.system, asked) == ("she_maintenance_leave", system, [])


def test_maintenance_without_an_owner_is_offered_and_overdue_one_is_said(engine, reader):  # noqa: F811
    row = active(engine, owner="", foreign=True, deadline=None)
    page = text(reader.get(reverse("maintenance")))
    assert reverse("window-adopt", args=[row.pk]) in page
    assert "nobody owns it" in page
    Window.objects.update(owner="anna", deadline=timezone.now() - timedelta(minutes=1))
    assert "is overdue" in text(reader.get(reverse("maintenance")))
    found = proven(timezone.now()).banner
    assert found is not None
    assert (found.state, "overdue since" in found.sentence) == ("fail", True)


def test_the_api_enters_reads_and_refuses(engine, reader, allowing):  # noqa: F811
    url = reverse("api-window-list")
    wish = {
        "engine": engine.pk,
        "scope": "local",
        "host": standby(engine).pk,
        "reason": "kernel update",
        "deadline": (timezone.now() + timedelta(hours=1)).isoformat(),
    }
    first = reader.post(url, wish, content_type="application/json", headers={"Idempotency-Key": "one"})
    again = reader.post(url, wish, content_type="application/json", headers={"Idempotency-Key": "one"})
    window = Window.objects.get()
    assert (first.status_code, again.status_code, Run.objects.count()) == (202, 202, 1)
    assert first.headers["Location"] == reverse("api-window-detail", args=[window.pk])
    told = reader.get(first.headers["Location"]).json()
    assert (told["state"], told["host_name"], told["owner"]) == ("entering", "kvm02", "operator1")
    refused = reader.post(url, wish | {"scope": "global", "host": None}, content_type="application/json")
    assert (refused.status_code, "one act at a time" in refused.json()["detail"]) == (409, True)
    wrong = reader.post(url, wish | {"reason": " "}, content_type="application/json")
    assert wrong.status_code in (400, 422)
    left = reader.post(reverse("api-window-leave", args=[window.pk]), content_type="application/json")
    assert (left.status_code, "entering" in left.json()["detail"]) == (409, True)
    more = {"deadline": wish["deadline"], "reason": "longer"}
    for name in ("api-window-extend", "api-window-adopt"):
        answer = reader.post(reverse(name, args=[window.pk]), more, content_type="application/json")
        assert answer.status_code == 409, name
    assert len(reader.get(url).json()["results"]) == 1


def test_the_api_refuses_a_viewer(engine, person):  # noqa: F811
    client = Client()
    client.force_login(person("viewer"))
    row = active(engine)
    assert client.get(reverse("api-window-list")).status_code == 200
    assert client.post(reverse("api-window-list"), {}, content_type="application/json").status_code == 403
    assert client.post(reverse("api-window-leave", args=[row.pk]), content_type="application/json").status_code == 403
