"""The picture of the SAN from the running demo: healthy, one fabric down, everything over one controller. With
HOLDFAST_SCREENSHOTS set to a directory, the pictures for docs/screenshots are written there."""

from __future__ import annotations

import os
import re
import shutil
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from deploy.stack import Stack

pytestmark = [
    pytest.mark.browser,
    pytest.mark.wire,
    pytest.mark.matrix,
    pytest.mark.timeout(400),
]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or "/usr/bin/chromium"
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
DUE = "update inventory_look set due_at = now() where device_id is not null or probe = 'redundancy' returning id"
PATIENCE = 120.0  # seconds for a fault to come through every look


@pytest.fixture(scope="module")
def stack():
    with Stack("e2etopo", speed=20, redis_db=8) as running:
        yield running


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser, stack):
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, color_scheme="light")
    sheet = context.new_page()
    sheet.complaints = []
    sheet.on("console", lambda told: sheet.complaints.append(told.text) if told.type == "error" else None)
    sheet.goto(stack.url + "/login/")
    sheet.fill("input[name=username]", "operator")
    sheet.fill("input[name=password]", "holdfast-demo")
    sheet.click("button[type=submit]")
    expect(sheet).to_have_url(stack.url + "/")
    yield sheet
    stack.call("DELETE", "/faults")
    context.close()


def until(page: Page, stack: Stack, words: str) -> None:
    """Looks again and again until the headline says so. The devices' own schedule is five minutes."""
    deadline = time.monotonic() + PATIENCE
    said = ""
    while time.monotonic() < deadline:
        stack.query(DUE)
        page.wait_for_timeout(4000)
        page.goto(stack.url + "/topology/")
        said = page.locator("h1").inner_text()
        if re.search(words, said):
            return
    raise AssertionError(f"the page says {said!r}, not {words!r}")


def keep(page: Page, name: str, tmp_path: Path) -> None:
    """A picture of the page as it stands."""
    folder = Path(os.environ.get("HOLDFAST_SCREENSHOTS") or tmp_path)
    expect(page.locator("#link-state [data-link=live]")).to_be_visible(timeout=20_000)
    page.evaluate("document.documentElement.dataset.still = '1'")
    page.screenshot(path=folder / f"topology-{name}.png", full_page=False)


def test_healthy_and_what_a_loss_would_do(page, stack, tmp_path):
    until(page, stack, "Every LUN survives")
    keep(page, "healthy", tmp_path)
    page.locator("a.try", has_text="0A.IOM0.P0").first.click()
    expect(page.locator("h1")).to_contain_text("If: ")
    page.get_by_label("switch SWA1").check()
    expect(page.locator("h1")).to_contain_text("would hang on one element")  # by HTMX, without a click
    expect(page).to_have_url(re.compile("without=switch"))
    page.get_by_role("button", name="Show what dies").click()
    expect(page.locator("h1")).to_contain_text("would hang on one element")
    assert page.locator(".topo-frame .struck").count() > 4
    with page.expect_download() as started:
        page.get_by_role("link", name="SVG").click()
    assert re.fullmatch(r"topology-\d{8}-\d{6}\.svg", started.value.suggested_filename)
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390, "the page itself scrolls sideways"
    assert page.complaints == []


def test_one_fabric_down(page, stack, tmp_path):
    until(page, stack, "Every LUN survives")
    stack.fault("fail-switch", "SWB1", how="disable")
    until(page, stack, "carries nothing, all paths run over fabric SWA1")
    keep(page, "fabric-down", tmp_path)
    assert page.locator(".topo-frame .wire.down").count() == 6
    assert page.complaints == []


def test_everything_over_one_controller(page, stack, tmp_path):
    until(page, stack, "Every LUN survives")
    stack.fault("one-controller-zoned", "DORADO-PROD", controller="0A")
    until(page, stack, "Controller 0A of DORADO-PROD")
    keep(page, "controller-spof", tmp_path)
    assert page.locator(".topo-frame .part.cuts").count() == 1
    assert page.complaints == []
