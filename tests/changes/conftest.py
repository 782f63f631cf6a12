import pytest
from django.contrib.auth.models import User

from inventory.models import Engine, Host, Site
from portal.access.services import give_role
from portal.changes.models import ChangeSystem
from portal.kernel.secret import Secret
from portal.kernel.step import Step
from portal.kernel.verdict import done
from portal.runs import services
from portal.runs.models import Run
from tests.changes.fake_system import CURRENT, FakeSystem
from tests.fixtures_changes import change_lab, changes  # noqa: F401
from tests.fixtures_runs import begin, host, mark, plan, plans  # noqa: F401

KEY = "a-signing-key-of-the-tests"


@pytest.fixture
def fake(settings):
    """A change system that answers as the test says."""
    settings.HOLDFAST_CHANGE_CONNECT = "tests.changes.fake_system.connect"
    CURRENT.append(FakeSystem())
    yield CURRENT[-1]
    CURRENT.pop()


@pytest.fixture
def system(db, fake):
    """Its row."""
    return ChangeSystem.objects.create(
        name="snow", kind="servicenow", url="https://snow.bank.example", account="holdfast",
        secret=Secret("a-password-of-tests"), signing_key=Secret(KEY),
    )  # fmt: skip


@pytest.fixture
def people(db):
    for name, role in (("anna", "operator"), ("berta", "approver"), ("carl", "operator"), ("dora", "admin")):
        give_role(User.objects.create(username=name), role, "test")


@pytest.fixture
def estate(db):
    """One host, so that host:<pk> stands at PROD."""
    site = Site.objects.create(name="PROD")
    engine = Engine.objects.create(
        site=site, name="olvm", url="https://olvm/api", username="admin@internal", password=Secret("x")
    )
    return Host.objects.create(engine=engine, uuid="1", name="kvm1", address="kvm1")


@pytest.fixture
def trial(estate, host, plans, system, people, settings, monkeypatch):  # noqa: F811
    """Starts make-one, look, make-two on the host for CHG1; `at` runs at the step that looks."""
    settings.HOLDFAST_GATES = ["failover.services.change_gate.gate"]
    monkeypatch.setattr("portal.changes.services.deciding.FRESH", 0.0)
    monkeypatch.setattr("portal.changes.services.FRESH", 0.0)
    then = []

    def look(seen, parameters):
        while then:
            then.pop()()
        return done("It was looked at.")

    watch = Step("watch", "Watch it", False, look, 20, "No undo: it only watches.", every=0.05)
    plans["trial"] = plan(mark("one", expected=30), watch, mark("two", expected=30))

    def start(change: object = "CHG1", at=None, **fields) -> Run:
        then[:] = [at] if at else []
        given = {"plan": "trial", "parameters": {}, "target": f"host:{estate.pk}", "by": "anna"} | fields
        return services.start(**given, change=change)

    return start
