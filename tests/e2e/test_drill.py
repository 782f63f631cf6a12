"""A drill as people do it: asked for, approved by another person, begun, watched to its end, its report at hand."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from deploy.stack import TOP, Stack
from tests.e2e.test_walk import ARGS, CHROMIUM, login

pytestmark = [pytest.mark.browser, pytest.mark.wire, pytest.mark.matrix, pytest.mark.timeout(420)]
# a backup of an hour ago that counts as proven: what a backup takes is another test's
PROVEN = """
from datetime import timedelta
from django.utils import timezone
from backups.models import Backup, Copy, Destination, Policy
from inventory.models import Engine
Policy.objects.update(enabled=False)
row = Backup.objects.create(engine=Engine.objects.get(), policy=Policy.objects.first(), ident="e2e",
    taken=timezone.now() - timedelta(hours=1), status="DONE", proof="proven", whole=True)
Copy.objects.create(backup=row, destination=Destination.objects.first(), state="held")
"""


@pytest.fixture(scope="module")
def stack():
    with Stack("e2e_drill", speed=20, redis_db=9) as running:
        words = [sys.executable, "manage.py", "shell", "-c", PROVEN]
        subprocess.run(words, cwd=TOP, env=running.env, check=True, capture_output=True)
        yield running


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield chromium
        chromium.close()


def person(browser, stack: Stack, name: str) -> Page:
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    login(page, stack, name)
    return page


def approved_change(stack: Stack) -> str:
    """A change that people have opened and approved in the lab's ServiceNow; its window is open for six hours."""
    now = datetime.now(UTC)
    window = {"begins": (now - timedelta(hours=1)).isoformat(), "ends": (now + timedelta(hours=6)).isoformat()}
    number = stack.call("POST", "/change/servicenow/changes", window)["number"]
    stack.call("POST", f"/change/servicenow/{number}/approve", {})
    return number


def change_there(stack: Stack, number: str) -> dict:
    """The change as its system has it."""
    changes = stack.call("GET", "/change")["servicenow"]["changes"]
    return next(one for one in changes if one["number"] == number)


def ask(page: Page, stack: Stack, number: str) -> str:
    """Asks until the pair is ready: after its start the agents need a while to see each other."""
    end = time.monotonic() + 150
    while True:
        page.goto(stack.url + "/drills/")
        page.locator("tr", has_text="Stop of an HA agent").get_by_text("Plan a drill").click()
        page.fill("#id_change", number)
        page.get_by_role("button", name="Ask for this drill").click()
        if re.search(r"/drills/\d+/$", page.url):
            return page.url
        why = page.locator(".errors").inner_text()
        assert time.monotonic() < end, why
        time.sleep(3)


def test_asked_for_approved_begun_watched_and_reported(browser, stack):
    operator = person(browser, stack, "operator")
    number = approved_change(stack)
    url = ask(operator, stack, number)
    expect(operator.locator("h1")).to_contain_text("awaiting approval")
    expect(operator.get_by_role("button", name="Approve this drill")).to_have_count(0)
    approver = person(browser, stack, "approver")
    approver.goto(url)
    approver.get_by_role("button", name="Approve this drill").click()
    expect(approver.locator("h1")).to_contain_text("approved, not begun")
    operator.goto(url + "begin/")
    operator.fill("#typed", stack.query("select name from inventory_engine")[0][0])
    site = "select s.name from inventory_site s join inventory_engine e on e.site_id = s.id"
    operator.fill("#site", stack.query(site)[0][0])
    operator.get_by_role("button", name=re.compile("^Begin ")).click()
    expect(operator.locator("h1")).to_contain_text("step", timeout=60_000)
    # nobody reloads: the page follows by itself
    expect(operator.locator(".drill-clock .face")).to_be_visible(timeout=90_000)
    expect(operator.get_by_role("link", name="Read the report")).to_be_visible(timeout=200_000)
    status, sentence = stack.query("select status, sentence from runs_run where plan = 'she_agent_stop'")[0]
    assert status == "succeeded", sentence
    operator.get_by_role("link", name="Read the report").click()
    expect(operator.locator("h1")).to_be_visible()
    kinds = {row[0] for row in stack.query("select kind from evidence_record where kind like 'drill.%'")}
    assert {"drill.requested", "drill.approved", "drill.begun"} <= kinds
    end = time.monotonic() + 120
    while (told := change_there(stack, number))["state"] != "closed":
        notes = stack.query("select sequence, kind, code, error from changes_changenote where state != 'delivered'")
        assert time.monotonic() < end, (told["state"], told["code"], notes)
        time.sleep(1)
    assert [name.rpartition(".")[2] for name in (one["name"] for one in told["files"])] == ["json", "pdf", "json"]
    assert "Holdfast began" in told["notes"][0]
    assert told["code"].startswith("successful"), told
    operator.goto(url)
    expect(operator.get_by_role("link", name=number)).to_be_visible()
