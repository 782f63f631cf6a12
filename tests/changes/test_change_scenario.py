"""One change from its wish to its close, over real HTTP against each stand-in: asked for, gated, approved there, run,
cancelled late, written back although a write was refused: exactly one run, complete notes."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db.models.functions import Now
from django.utils import timezone

from failover.services import change_notes
from inventory.models import Engine, Host, Site
from portal.access.roles import ROLES
from portal.access.services import create_token
from portal.changes.models import Callback, Change, ChangeNote, ChangeSystem
from portal.changes.services.delivering import deliver_due
from portal.changes.services.looking import look_due
from portal.kernel.secret import Secret
from portal.kernel.step import Step
from portal.kernel.verdict import done
from portal.runs.models import Run
from tests.fixtures_runs import drive, mark, plan, states

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.wire]
KINDS = [
    "servicenow",
    *(pytest.param(kind, marks=pytest.mark.matrix) for kind in ("jira", "bmc", "webhook")),
]
LONG = 60.0  # seconds: the machine may stall


def eventually(condition, seconds=LONG):
    """What the condition comes to; fails when it does not come true."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.05)
    return found


class Api:
    """The portal's API over HTTP, as a change system's people and an operator use it."""

    def __init__(self, url: str, token: str) -> None:
        self.url, self.token = url, token

    def __call__(self, method, path, body=None, key=""):
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        headers |= {"Idempotency-Key": key} if key else {}
        raw = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, raw, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=LONG) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())


@pytest.fixture
def scene(request, live_server, host, plans, people, changes, settings):
    """The portal on a port, one change system of the kind, one host, a plan that looks between two acts."""
    cache.clear()
    kind = request.param
    settings.HOLDFAST_GATES = ["failover.services.change_gate.gate"]
    known = changes.known[kind]
    ChangeSystem.objects.create(
        name=kind, kind=kind, url=known["url"], account=known["username"], secret=Secret(known["password"]),
        ca_pem=known["ca_pem"], signing_key=Secret(known["signing_key"]),
        options={"project": "OPS"} if kind == "jira" else {},
    )  # fmt: skip
    changes.http("PUT", f"/change/{kind}/callback", {"url": f"{live_server.url}/api/v1/changes/callback/{kind}"})
    site = Site.objects.create(name="PROD")
    engine = Engine.objects.create(site=site, name="olvm", url="https://o/api", username="a", password=Secret("x"))
    row = Host.objects.create(engine=engine, uuid="1", name="kvm1", address="kvm1")
    return Scene(kind, changes, live_server.url, f"host:{row.pk}", plans)


class Scene:
    def __init__(self, kind, lab, url, target, plans) -> None:
        from django.contrib.auth.models import User

        self.kind, self.lab, self.target = kind, lab, target
        anna = User.objects.get(username="anna")
        _, secret = create_token(anna, "scene", sorted(ROLES["operator"].acts), 30, "test")
        self.api = Api(url, secret.reveal())
        self.then = []

        def look(seen, parameters):
            while self.then:
                self.then.pop()()
            return done("It was looked at.")

        watch = Step("watch", "Watch it", False, look, 20, "No undo: it only watches.", every=0.05)
        plans["trial"] = plan(mark("one", expected=5), watch, mark("two", expected=5))

    def asked(self):
        """Asks for the change over the API; gives its row."""
        now = timezone.now().replace(microsecond=0)
        window = {"start": (now - timedelta(minutes=5)).isoformat(), "end": (now + timedelta(hours=4)).isoformat()}
        wish = {
            "system": self.kind, "short": "Drill of olvm", "description": "Run the trial", "plan": "As the plan says",
            "backout": "The undos", "ci": ["oradb01"], "window": window, "type": "normal",
        }  # fmt: skip
        code, one = self.api("POST", "/api/v1/changes/", wish, key="wish-1")
        assert code == 202, one
        assert self.api("POST", "/api/v1/changes/", wish, key="wish-1")[1]["id"] == one["id"]
        self.window = window
        return one

    def act(self, number, act, **words):
        """What people do in the change system; its callback has come and was taken."""
        before = Callback.objects.filter(verdict="accepted").count()
        self.lab.act(self.kind, number, act, **words)
        eventually(lambda: Callback.objects.filter(verdict="accepted").count() > before)
        look_due(timezone.now())

    def start(self, number):
        change = {"system": self.kind, "number": number, "ci": ["oradb01"], "window": self.window, "type": "normal"}
        body = {"plan": "trial", "target": self.target, "change": change}
        return self.api("POST", "/api/v1/runs/", body, key="run-1")

    def deliver(self):
        """Works out what is owed, and writes it back as far as it goes."""
        change_notes.tick(timezone.now())
        ChangeNote.objects.filter(state="queued").update(next_at=Now())
        deliver_due(timezone.now())
        return list(ChangeNote.objects.order_by("sequence").values_list("state", flat=True))


@pytest.mark.parametrize("scene", KINDS, indirect=True)
def test_from_the_wish_to_the_close(scene, host):
    one = scene.asked()
    number = one["number"]
    assert one["gate"] == "awaiting", one
    code, refused = scene.start(number)
    assert (code, refused["type"]) == (409, "/api/problems/change-prevents"), refused

    approve(scene, number)
    row = Change.objects.get()
    assert row.gate == "allowed", row.sentence
    Change.objects.update(seen_at=timezone.now() - timedelta(minutes=1), tried_at=None)
    code, begun = scene.start(number)
    assert code == 202, begun
    assert scene.start(number)[1]["id"] == begun["id"]

    # cancelled while it is under way: the step that looks goes on, the next one that acts is held
    scene.then[:] = [
        lambda: (
            scene.act(number, "cancel"),
            Change.objects.update(seen_at=timezone.now() - timedelta(minutes=1), tried_at=None),
        )
    ]
    run = drive(Run.objects.get())
    assert (states(run), host.ledger()) == (["done", "done", "held"], ["one"]), run.sentence
    sentence = run.steps.get(position=3).sentence
    run.steps.filter(state="held").update(deadline=Now() - timedelta(seconds=1))
    Run.objects.update(due_at=Now())
    run = drive(run)
    assert (run.status, host.ledger()) == ("rolled_back", ["one", "undo-one"])

    # a note is refused for want of a right, is held, is seen, and is tried again by a person
    scene.lab.http("PUT", f"/change/{scene.kind}/callback", {"url": ""})
    scene.lab.fault(scene.kind, "refuse", status="403", what="note", times="1")
    found = eventually(lambda: "held" in scene.deliver() and scene_states())
    assert found.count("held") == 1
    scene.lab.http("DELETE", f"/change/{scene.kind}/faults")
    url = f"/api/v1/changes/{row.pk}/"
    assert scene.api("GET", url)[1]["undelivered"] == 1
    code, told = scene.api("POST", url + "replay/", {"sequence": 1})
    assert (code, told["replayed"] >= 1) == (202, True)
    eventually(lambda: set(scene.deliver()) == {"delivered"})

    assert Run.objects.count() == 1
    texts = scene.lab.told(scene.kind, number)["notes"]
    owed = list(ChangeNote.objects.order_by("sequence").values_list("text", flat=True))
    assert [text for text in owed if sum(text in one for one in texts) != 1] == [], texts
    assert len(texts) == len(owed)
    for words in ("Holdfast began Trial", "It waits for a decision", sentence, "Make one: undone", "rolled back"):
        assert any(words in text for text in texts), (words, texts)


def scene_states():
    return list(ChangeNote.objects.order_by("sequence").values_list("state", flat=True))


def approve(scene, number):
    """People move it on there until it may be done."""
    scene.act(number, "approve")
    for _ in range(3):
        if Change.objects.get().gate == "allowed":
            return
        scene.act(number, "step")
