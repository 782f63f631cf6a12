"""Headers, request ids, time zones, the deployment check."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.http import HttpResponse
from django.utils import timezone

from portal.access import request_id
from portal.access.middleware import at_home, fenced, identified
from portal.access.models import Preference
from portal.access.services import add_person
from portal.kernel.secret import Secret

TOP = Path(__file__).resolve().parents[2]


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/admin/", "/preferences/", "/nowhere/", "/healthz"])
def test_every_answer_has_the_strict_policy(client, path):
    answer = client.get(path)
    policy = dict(part.strip().split(" ", 1) for part in answer["Content-Security-Policy"].split(";"))
    assert policy.pop("default-src") == policy.pop("frame-ancestors") == policy.pop("base-uri") == "'none'"
    assert set(policy.values()) == {"'self'"}
    assert set(policy) == {"script-src", "style-src", "img-src", "font-src", "connect-src", "form-action"}
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in answer["Permissions-Policy"]
    assert len(answer["X-Request-Id"]) >= 8


def test_what_a_person_sees_stays_in_no_shared_cache(rf):
    personal = fenced(lambda request: HttpResponse(headers={"Vary": "Cookie"}))(rf.get("/"))
    assert personal["Cache-Control"] == "private, no-cache"
    public = fenced(lambda request: HttpResponse())(rf.get("/"))
    assert "Cache-Control" not in public


@pytest.mark.parametrize(
    ("offered", "kept"),
    [("CHG0034817-7f3a", True), ("short", False), ("x" * 65, False), ("abc\r\nSet-Cookie: a", False), ("", False)],
)
def test_a_request_keeps_its_callers_id_when_it_is_well_formed(rf, offered, kept):
    seen = []

    def view(request):
        seen.append((request.request_id, request_id.current.get()))
        return HttpResponse()

    answer = identified(view)(rf.get("/", headers={"X-Request-Id": offered}))
    assert (answer["X-Request-Id"] == offered) is kept
    assert seen == [(answer["X-Request-Id"], answer["X-Request-Id"])]
    assert request_id.current.get() == "-"


def test_log_lines_carry_the_request_id(rf, caplog):
    caplog.handler.addFilter(request_id.InLogs())
    identified(lambda request: logging.getLogger("x").warning("said") or HttpResponse())(
        rf.get("/", headers={"X-Request-Id": "abcdefgh"})
    )
    assert [record.request_id for record in caplog.records] == ["abcdefgh"]


@pytest.mark.django_db
@pytest.mark.parametrize(("zone", "shown"), [("Asia/Tokyo", "Asia/Tokyo"), ("", "UTC"), ("Mars/Olympus", "UTC")])
def test_times_are_shown_in_the_persons_zone(rf, zone, shown):
    request = rf.get("/")
    request.user = add_person("anna", "viewer", Secret("correct horse battery"), by="test")
    Preference.objects.create(person=request.user, time_zone=zone)
    answer = at_home(lambda request: HttpResponse(timezone.get_current_timezone_name()))(request)
    assert answer.content.decode() == shown
    assert timezone.get_current_timezone_name() == "UTC"


def test_no_template_has_inline_script_or_style():
    inline = re.compile(r"<script(?![^>]*\bsrc=)[^>]*>|<style|\sstyle=|\son[a-z]+=|javascript:", re.IGNORECASE)
    found = {
        str(path.relative_to(TOP)): inline.findall(path.read_text("utf-8"))
        for path in (TOP / "templates").rglob("*.html")
        if inline.search(path.read_text("utf-8"))
    }
    assert found == {}


def test_the_deployment_check_is_clean_with_production_settings():
    production = {name: value for name, value in os.environ.items() if not name.startswith("HOLDFAST_DEMO")}
    production |= {"HOLDFAST_DEMO": "false", "HOLDFAST_ALLOWED_HOSTS": "portal.bank.example"}
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=TOP,
        env=production,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "System check identified no issues (0 silenced)."), done.stderr
