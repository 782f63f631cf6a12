"""The wrong site: what is meant at one and would act at another is refused, in words, by page, API and service."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from failover.models import Drill
from failover.plans_drills import TABLETOP
from failover.services import conduct, drills, gates, sites, windows
from inventory.models import Site
from portal.kernel.plan import digest
from portal.runs.registry import plans
from portal.runs.services import Refused
from tests.ui import drill_world, world

pytestmark = pytest.mark.django_db


@pytest.fixture
def engine():
    made = world.build("healthy")
    drill_world.people()
    drill_world.ready(made)
    return made


@pytest.fixture
def two(engine):
    Site.objects.create(name="DR", role="dr")
    return engine


def test_one_site_needs_no_name_and_a_wrong_one_is_refused_all_the_same(engine):
    assert (sites.asked(), sites.unnamed(engine, "")) == (False, "")
    assert "engine01 stands at" not in sites.unnamed(engine, engine.site.name)
    assert f"{engine.name} stands at PROD (Production), not at DR" in sites.unnamed(engine, "DR")


def test_with_two_sites_the_right_one_is_named(two):
    assert sites.unnamed(two, "").startswith(f"Type PROD to confirm at which site {two.name} stands")
    assert sites.unnamed(two, " prod ") == ""
    assert "not at DR" in sites.unnamed(two, "DR")


def test_a_drill_begins_only_at_the_site_that_was_typed(two, client):
    drill = drill_world.approved(two)
    client.force_login(User.objects.get(username="operator1"))
    url = f"/drills/{drill.pk}/begin/"
    assert "Type PROD to confirm the site" in client.get(url).content.decode()
    for typed, words in (("", "Type PROD to confirm"), ("DR", "stands at PROD (Production), not at DR")):
        answer = client.post(url, {"typed": two.name, "site": typed})
        assert (answer.status_code, words in answer.content.decode()) == (422, True)
    with pytest.raises(Refused, match="not at DR"):
        conduct.begin(drill.pk, "operator1", "DR")
    assert Drill.objects.get(pk=drill.pk).run.status == "awaiting_approval"
    assert client.post(url, {"typed": two.name, "site": "PROD"}).status_code == 302


def test_a_maintenance_that_is_meant_elsewhere_is_refused(two, client):
    host = two.hosts.filter(he_host_id=2).get()
    wish = windows.Wish("local", host, "Firmware", timezone.now() + timedelta(hours=1), site="DR")
    with pytest.raises(Refused, match="stands at PROD"):
        windows.start(two, wish, "operator1")
    client.force_login(User.objects.get(username="operator1"))
    url = f"/engine/maintenance/{two.pk}/enter/local/{host.pk}/"
    given = {"reason": "Firmware", "typed": host.name, "key": "k", "deadline": wish.deadline.strftime("%Y-%m-%dT%H:%M")}
    for typed, words in (("", "This field is required"), ("DR", f"{host.name} stands at PROD. Nothing was done")):
        answer = client.post(url, {**given, "site": typed})
        assert (answer.status_code, words in answer.content.decode()) == (422, True)


MARKED = replace(TABLETOP, name="dr_only", title="Drill of the DR site", site="dr")


@pytest.fixture
def marked(monkeypatch):
    monkeypatch.setitem(plans(), MARKED.name, MARKED)
    monkeypatch.setattr(drills, "PLANS", (*drills.PLANS, MARKED.name))


def test_a_plan_that_is_marked_for_one_kind_of_site_does_not_run_at_the_other(two, marked):
    with pytest.raises(Refused) as caught:
        drills.request(two, MARKED.name, {"questions": "Who?"}, by="operator1")
    assert str(caught.value).startswith("Drill of the DR site is marked for dr sites, and")
    assert "stands at PROD, which is a Production site. It does not run there." in str(caught.value)
    Site.objects.filter(name="PROD").update(role="dr")
    two.refresh_from_db()
    later = (timezone.now() + timedelta(hours=1), timezone.now() + timedelta(hours=2))
    drill = drills.request(two, MARKED.name, {"questions": "Who?"}, by="operator1", window=later)
    assert "The window begins" in gates.gate(drill.run)
    Site.objects.filter(name="PROD").update(role="production")
    assert "does not run there" in gates.gate(drill.run), "asked before every act"


def test_the_mark_is_part_of_what_is_approved():
    given, target = {"questions": "Who?"}, "she:1"
    assert digest(MARKED, given, target) != digest(replace(MARKED, site=""), given, target)
    assert digest(TABLETOP, given, target) == digest(replace(TABLETOP, site=""), given, target)


def test_a_drill_that_is_asked_for_at_the_wrong_site_is_refused(two):
    with pytest.raises(Refused, match="not at DR"):
        drills.request(two, "tabletop", {"questions": "Who?"}, by="operator1", words={"site": "DR"})
    assert drills.request(two, "tabletop", {"questions": "Who?"}, by="operator1", words={"site": "PROD"}).pk
