"""Which known changes a form offers: open, of the system in charge, with the target's items and the time that is
meant."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from failover.services import items
from inventory.models import Engine, Host, Site
from portal.changes.models import Change, ChangeSystem
from portal.changes.services.offering import named, offers
from portal.kernel.secret import Secret
from tests.changes.conftest import fake, people, system  # noqa: F401

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def estate(db):
    site = Site.objects.create(name="PROD")
    given = {"site": site, "username": "a", "password": Secret("x")}
    engine = Engine.objects.create(name="olvm", url="https://o/api", **given)
    Engine.objects.create(name="other", url="https://p/api", **given)
    Host.objects.create(engine=engine, uuid="1", name="kvm1", address="kvm1")
    return engine


@pytest.fixture
def known(system):  # noqa: F811
    """Makes a change of which the portal knows; its window is open for four hours."""

    def make(number, **fields):
        now = timezone.now()
        given = {
            "gate": "allowed", "ci": ["OLVM"], "begins": now - HOUR, "ends": now + 4 * HOUR, "seen_at": now,
            "short": f"Work {number}", "asked_by": "anna", "asked_at": now, "mark": number, "system": system,
        }  # fmt: skip
        return Change.objects.create(number=number, **given | fields)

    return make


def values(target, begins=None, ends=None):
    return [one.value for one in offers(target, begins, ends, timezone.now())]


def test_those_of_the_target_come_first_and_those_of_others_not_at_all(estate, known):
    for number, fields in {
        "CHG1": {"ci": ["a service of its own"]},
        "CHG2": {"gate": "awaiting"},
        "CHG3": {"ci": ["kvm1", "web"]},
        "CHG4": {"ci": ["other"]},
        "CHG5": {"ci": []},
        "CHG6": {"ci": ["prod"], "ends": timezone.now() + HOUR},
    }.items():
        known(number, **fields)
    assert values(f"she:{estate.pk}") == ["CHG6", "CHG3", "CHG2", "CHG1", "CHG5"]
    assert values(f"host:{estate.hosts.get().pk}") == ["CHG6", "CHG3", "CHG2", "CHG1", "CHG5"]
    words = offers(f"she:{estate.pk}", None, None, timezone.now())[0].words
    assert words.startswith("Work CHG6, allowed, until ")
    assert words.endswith(", prod")


def test_what_is_over_closed_refused_or_never_seen_is_not_offered(estate, known):
    now = timezone.now()
    for number, fields in {
        "CHG1": {"ends": now - HOUR},
        "CHG2": {"closed_by_us": now},
        "CHG3": {"gate": "prevented"},
        "CHG4": {"gate": "invalid"},
        "CHG5": {"seen_at": None},
        "CHG6": {"begins": now + HOUR, "ends": now + 9 * HOUR},
        "CHG7": {"begins": None, "ends": None},
    }.items():
        known(number, **fields)
    assert values(f"she:{estate.pk}") == ["CHG7"]
    assert values(f"she:{estate.pk}", now + 2 * HOUR, now + 8 * HOUR) == ["CHG6", "CHG7"]
    ChangeSystem.objects.update(enabled=False)
    assert values(f"she:{estate.pk}") == []
    ChangeSystem.objects.update(enabled=True, sites=["DR"])
    assert values(f"she:{estate.pk}") == []


def test_where_two_systems_are_in_charge_the_system_is_named(estate, known):
    other = ChangeSystem.objects.create(name="jira", kind="jira", url="https://j")
    known("CHG1")
    one = known("CHG1", system=other, mark="x")
    assert sorted(values(f"she:{estate.pk}")) == ["jira:CHG1", "snow:CHG1"]
    assert named(f"she:{estate.pk}", "jira: CHG1") == one
    assert named(f"she:{estate.pk}", "CHG1") is None, "two have this number"
    assert named(f"she:{estate.pk}", "CHG2") is None


def test_an_item_means_every_engine_of_its_name(estate):
    listed = [["olvm"], ["OTHER"], ["x"], [], ["other", "kvm1"]]
    assert items.covering(f"she:{estate.pk}", listed) == [True, False, None, None, True]
    assert items.covering("destination:1", listed) == [None] * 5
    assert items.covering("host:999", listed) == items.covering("host:x", listed) == [None] * 5


def test_a_form_offers_them_and_says_what_is_known_of_the_one_that_is_typed(estate, known, people, client):  # noqa: F811
    known("CHG1", sentence="The board approved it.")
    client.force_login(User.objects.get(username="anna"), backend="portal.access.backend.PeopleBackend")
    page = client.get(f"/drills/new/{estate.pk}/tabletop/").content.decode()
    assert '<option value="CHG1">Work CHG1, allowed' in page
    assert 'list="known-changes"' in page
    target = {"target": f"she:{estate.pk}"}
    told = client.get("/changes/known/", {**target, "change": "CHG1"}).content.decode()
    assert ("The board approved it." in told, "Allowed" in told) == (True, True)
    assert "is asked when this is sent" in client.get("/changes/known/", {**target, "change": "CHG9"}).content.decode()
    late = {"begins": "2031-01-01T00:00", "ends": "2031-01-01T04:00"}
    assert "<option" not in client.get("/changes/known/", {**target, **late}).content.decode()
    odd = {"target": "host:" + "9" * 60, "begins": "x", "ends": "0000-00-00T00:00", "change": "\u0661" * 200}
    assert client.get("/changes/known/", odd).status_code == 200
