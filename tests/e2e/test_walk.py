"""The whole product as a person meets it: every process, the lab estate behind real SSH and HTTPS, a real browser."""

from __future__ import annotations

import re
import shutil
import time

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from deploy.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.wire, pytest.mark.timeout(240)]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or "/usr/bin/chromium"
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

SILENT = re.compile("kvm01 (keeps its SSH connection open but answers|accepts connections on .* but says) nothing")


@pytest.fixture(scope="module")
def stack():
    with Stack("e2e", speed=20, redis_db=4) as running:
        yield running


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser, stack):
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    sheet = context.new_page()
    sheet.complaints = []
    sheet.on("console", lambda told: sheet.complaints.append(told.text) if told.type == "error" else None)
    sheet.on("pageerror", lambda error: sheet.complaints.append(str(error)))
    yield sheet
    context.close()


def login(page: Page, stack: Stack, who: str = "operator"):
    page.goto(stack.url + "/")
    expect(page).to_have_url(re.compile("/login/"))
    page.fill("input[name=username]", who)
    page.fill("input[name=password]", "holdfast-demo")
    page.click("button[type=submit]")
    expect(page).to_have_url(stack.url + "/")


def calm(page: Page, stack: Stack):
    """Everything cleared, and the overview says so."""
    stack.call("DELETE", "/faults")
    page.goto(stack.url + "/")
    expect(page.locator(".tile").first.locator(".answer")).to_have_text("Yes", timeout=100_000)
    expect(page.locator(".tile").nth(1).locator(".answer")).to_have_text("Yes", timeout=30_000)


def test_login_dashboard_fault_dashboard(page, stack):
    login(page, stack)
    calm(page, stack)
    began = stack.fault("power-off", "kvm01")
    expect(page.locator("main")).to_contain_text(SILENT, timeout=20_000)
    took = time.monotonic() - began
    assert took < 15, f"the fault was on the screen after {took:.1f} s"
    expect(page.locator(".tile").first.locator(".answer")).not_to_have_text("Yes", timeout=20_000)
    page.goto(stack.url + "/luns/")
    expect(page.locator("main")).to_contain_text("not known", timeout=20_000)
    # the engine comes up on the other host by itself, and the page says so without a reload
    page.goto(stack.url + "/engine/")
    expect(page.locator("main")).to_contain_text("kvm02", timeout=5_000)
    expect(page.locator("h1")).to_contain_text(re.compile("unprotected|kvm02", re.IGNORECASE), timeout=100_000)
    stack.fault("power-on", "kvm01")
    assert page.complaints == []


@pytest.mark.matrix
def test_the_labs_own_page_powers_a_host_off(page, stack):
    login(page, stack)
    calm(page, stack)
    lab = page.context.new_page()
    lab.goto(page.get_by_role("link", name="The lab's buttons", include_hidden=True).first.get_attribute("href"))
    act = lab.locator("form", has=lab.locator("input[name=name][value=power-off]"))
    act.get_by_label("target").select_option("kvm01")
    act.get_by_role("button").click()
    expect(lab.locator("main")).to_contain_text("Cut a host's power: kvm01")
    expect(lab.frame_locator("iframe").get_by_role("row", name=re.compile("^kvm01 off"))).to_be_visible()
    expect(page.locator("main")).to_contain_text(SILENT, timeout=20_000)
    expect(page.locator(".tile").first.locator(".answer")).not_to_have_text("Yes", timeout=20_000)
    stack.fault("power-on", "kvm01")
    assert page.complaints == []


@pytest.mark.matrix
def test_the_header_says_how_current_the_page_is(page, stack):
    login(page, stack)
    mark, said = page.locator("#link-state"), page.locator("#updates-stopped")
    expect(mark.locator("[data-link=live]")).to_be_visible(timeout=10_000)
    expect(said).to_be_hidden()
    # the database no longer tells the live channel of any change
    stack.query("select pg_terminate_backend(pid) from pg_stat_activity where query in ('listen holdfast', 'select 1')")
    expect(mark.locator("[data-link=polling]")).to_be_visible(timeout=5_000)
    expect(mark).to_have_text(re.compile("Every 5 s"), use_inner_text=True)
    expect(mark.locator("[data-link=live]")).to_be_visible(timeout=15_000)
    page.context.set_offline(True)
    expect(mark).to_have_text(re.compile(r"Stopped since \d\d:\d\d:\d\d"), use_inner_text=True, timeout=20_000)
    expect(said).to_contain_text(re.compile(r"Updates stopped at \d\d:\d\d:\d\d: the portal does not answer."))
    page.context.set_offline(False)
    expect(mark.locator("[data-link=live]")).to_be_visible(timeout=20_000)
    expect(said).to_be_hidden()


@pytest.mark.matrix
def test_a_hung_command_blinds_one_probe_and_nothing_else(page, stack):
    login(page, stack, "viewer")
    stack.fault("hang-command", "kvm02", command="multipathd")
    page.goto(stack.url + "/findings/?probe=multipath")
    expect(page.locator("main")).to_contain_text(re.compile("multipathd.*did not end", re.DOTALL), timeout=40_000)
    fresh = stack.query(
        "select count(*) from inventory_look l join inventory_host h on h.id = l.host_id"
        " where h.name = 'kvm02' and probe = 'ha_state' and at > now() - interval '11 s'"
    )
    assert fresh[0][0] == 1
    stack.call("DELETE", "/faults")


@pytest.mark.matrix
def test_a_support_bundle_is_collected_once_and_shown_live(page, stack):
    login(page, stack)
    calm(page, stack)
    page.goto(stack.url + "/hosts/")
    page.get_by_role("link", name="kvm02").first.click()
    page.get_by_role("link", name=re.compile("Plan")).first.click()
    page.locator("main form button[type=submit]").last.click()
    expect(page).to_have_url(re.compile(r"/runs/\d+/"))
    expect(page.locator("main")).to_contain_text(re.compile("succeeded|Done", re.IGNORECASE), timeout=60_000)
    number = int(page.url.rstrip("/").rsplit("/", 1)[1])
    deadline = time.monotonic() + 60
    while stack.query(f"select status from runs_run where id = {number}")[0][0] not in (
        "succeeded",
        "failed",
        "errored",
    ):
        assert time.monotonic() < deadline
        time.sleep(0.3)
    assert stack.query(f"select status from runs_run where id = {number}") == [("succeeded",)]
    ref = str(stack.query(f"select ref from runs_run where id = {number}")[0][0])
    assert len(list((stack.folder / "vault" / ref).glob("*.tar*"))) == 1, "one bundle of this run is in the vault"
    assert page.complaints == []


@pytest.mark.matrix
def test_a_token_is_made_shown_once_used_and_revoked(page, stack):
    login(page, stack)
    page.goto(stack.url + "/preferences/tokens/")
    page.get_by_label("Name").fill("nightly")
    page.get_by_label("see the estate").check()
    page.get_by_label("Your password").fill("holdfast-demo")
    page.get_by_role("button", name="Make the token").click()
    text = page.locator("#token-text").inner_text()
    page.wait_for_timeout(11_000)  # a beat of the live channel, which fetches other pages again
    expect(page.locator("#token-text")).to_have_text(text)
    program = page.request
    bearer = {"Authorization": f"Bearer {text}"}
    assert program.get(stack.url + "/api/v1/hosts/", headers=bearer).status == 200
    page.get_by_role("link", name="I have it, hide it").click()
    expect(page.locator("#token-text")).to_have_count(0)
    page.get_by_role("link", name="Revoke…").click()
    page.get_by_role("button", name="Revoke the token nightly").click()
    expect(page.locator(".told")).to_contain_text("The token nightly is revoked")
    assert program.get(stack.url + "/api/v1/hosts/", headers=bearer).status == 401
    assert page.complaints == []


def test_it_works_without_javascript(browser, stack):
    context = browser.new_context(java_script_enabled=False)
    sheet = context.new_page()
    login(sheet, stack, "viewer")
    for path in (
        "/",
        "/engine/",
        "/hosts/",
        "/vms/",
        "/luns/",
        "/findings/",
        "/findings/changes/",
        "/runs/",
        "/backups/",
    ):
        assert sheet.goto(stack.url + path).status == 200
        assert sheet.locator("h1").count() == 1
    context.close()
