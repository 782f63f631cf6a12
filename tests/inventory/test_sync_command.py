"""manage.py sync: what it prints, and how it ends."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command

from inventory.models import Host
from portal.connectors.engine import close_shared
from tests.fixtures_engine import API, HTML_500
from tests.inventory.test_sync import estate

__all__ = ["estate"]
pytestmark = [pytest.mark.django_db, pytest.mark.wire]


@pytest.fixture(autouse=True)
def logged_out():
    yield
    close_shared()


def run(*words):
    out = io.StringIO()
    call_command("sync", *words, stdout=out)
    return out.getvalue()


def test_it_syncs_and_says_what_it_wrote(estate):
    said = run("engine1")
    assert said.startswith("engine1: 10 requests, ")
    assert "2 inventory_vm" in said
    assert Host.objects.get().name == "olvm01"
    assert "engine1: 8 requests, 0 rows" in run("--no-storage")


def test_a_part_that_failed_is_named_and_the_command_fails(estate):
    estate.scripted.answers[f"{API}/vms"] = HTML_500
    out = io.StringIO()
    with pytest.raises(CommandError, match="Not everything was read"):
        call_command("sync", stdout=out)
    assert "vms: Engine engine1 fails on GET /vms" in out.getvalue()


def test_an_unknown_engine_is_refused(estate):
    with pytest.raises(CommandError, match="No such engine"):
        run("nobody")
