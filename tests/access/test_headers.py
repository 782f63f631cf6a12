"""Headers, request ids, time zones, the deployment check."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.urls import get_resolver
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


def test_a_log_line_cannot_be_forged_and_names_the_request_it_is_about(rf, caplog):
    caplog.handler.addFilter(request_id.InLogs())
    request = rf.get("/")
    request.request_id = "abcdefgh"
    said = "engine says:\n2026-01-01 INFO all is well\x1b[2J\u2028"
    logging.getLogger("x").warning("%s", said, extra={"request": request})
    (line,) = caplog.text.splitlines()
    assert line.endswith(r"engine says:\n2026-01-01 INFO all is well\x1b[2J\u2028")
    assert caplog.records[0].request_id == "abcdefgh"


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/findings/changes/?key=%00", "/evidence/?actor=a%00", "/api/v1/hosts/?status=%00"])
def test_nul_in_an_address_is_refused_in_words(client, path):
    client.force_login(add_person("anna", "auditor", Secret("correct horse battery"), by="test"))
    answer = client.get(path)
    assert answer.status_code == 400
    assert ("application/problem+json" in answer["Content-Type"]) is path.startswith("/api/")
    assert b"cannot be read" in answer.content or b"not understood" in answer.content


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/login/", "/api/v1/hosts/"])
def test_a_host_header_of_somebody_else_is_refused_and_breaks_nothing(client, path):
    answer = client.get(path, headers={"Host": "evil.example"})
    assert answer.status_code == 400
    assert b"evil.example" not in answer.content


@pytest.mark.django_db
def test_nul_in_a_form_is_refused(client):
    client.force_login(add_person("anna", "operator", Secret("correct horse battery"), by="test"))
    assert client.post("/runs/1/abort/", {"reason": "a\0b"}).status_code == 400


@pytest.mark.parametrize(("path", "kind"), [("/api/v1/hosts/", "application/problem+json"), ("/hosts/", "text/html")])
def test_the_portals_own_failure_is_a_problem_for_machines_and_a_page_for_people(rf, path, kind):
    request = rf.get(path)
    request.request_id = "abcdefgh"
    answer = get_resolver().resolve_error_handler(500)(request)
    assert answer.status_code == 500
    assert answer["Content-Type"].startswith(kind)
    assert (b"abcdefgh" in answer.content) is path.startswith("/api/")


@pytest.mark.django_db
@pytest.mark.parametrize(("zone", "shown"), [("Asia/Tokyo", "Asia/Tokyo"), ("", "UTC"), ("Mars/Olympus", "UTC")])
def test_times_are_shown_in_the_persons_zone(rf, zone, shown):
    request = rf.get("/")
    anna = add_person("anna", "viewer", Secret("correct horse battery"), by="test")
    Preference.objects.create(person=anna, time_zone=zone)
    request.user = User.objects.get(pk=anna.pk)
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
    # a file for the safe, never served as a page: it must need nothing beside it, and holds no script
    offline = found.pop("templates/backups/kit_bundle.html")
    assert set(offline) == {"<style", " style="}
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
