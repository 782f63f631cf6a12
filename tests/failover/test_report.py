"""Reports of stored drills: recorded once, equal bytes, nothing of a host or a person becomes markup."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import zlib
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from failover.models import Drill
from failover.reports import involved
from failover.services import conduct, report, report_file
from portal.access.services.people import add_person
from portal.evidence.canonical import digest
from portal.evidence.models import Key, Record, Signature
from portal.evidence.services import verify_chain
from portal.kernel.secret import Secret
from portal.runs.models import Run
from tests.failover import report_scenes as scenes

VERIFIER = Path(__file__).resolve().parents[2] / "deploy" / "holdfast_verify.py"
pytestmark = pytest.mark.django_db
SCENES = {one.__name__: one for one in (scenes.met, scenes.not_met, scenes.aborted, scenes.paper, scenes.empty)}
URLS = ("drill-report", "drill-report-pdf", "drill-report-json")


@pytest.fixture(autouse=True)
def nairobi(settings):
    settings.TIME_ZONE = "Africa/Nairobi"


def html(drill: Drill) -> str:
    return report_file.html(report.make(drill.pk, "operator1"))


class Texts(HTMLParser):
    """Tags, and the text without them."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture
def reader(db):
    """A client of a person in a role."""

    def make(role: str = "auditor") -> Client:
        person = User.objects.filter(username=f"{role}1").first()
        person = person or add_person(f"{role}1", role, Secret("correct horse battery"), by="test", demo=True)
        client = Client()
        client.force_login(person)
        return client

    return make


# --- content


def test_a_met_drill():
    text = Texts(html(scenes.met())).text
    assert "Engine failover drill: objectives met, no deviation" in text
    assert "22 Nov 2026 22:14:03 EAT" in text
    assert "back after 2 min 34 s (± 0.5 s)" in text
    assert "portal, kvm01" in text
    assert "portal, operator2" in text
    assert "kvm02 mail alert went to a former colleague" in text
    assert "operator2: Both heartbeats are green." in text
    assert "hosted-engine --vm-poweroff" in text
    assert "the portal's own words" not in text


def test_a_drill_that_did_not_meet_its_objectives():
    text = Texts(html(scenes.not_met())).text
    assert "2 of 3 objectives not met" in text
    assert "The window was moved by telephone." in text
    assert "Not tested: management plane." in text
    assert "It ended after its window." in text
    assert "owner or due date of 'LUN of oradb01 is gone'" in text


def test_an_aborted_drill_measured_nothing_and_says_so():
    text = Texts(html(scenes.aborted())).text
    assert "Engine failover drill: aborted" in text
    assert "operator2 ends the run. Reason: the window is needed" in text
    assert "outages were not tested" in text
    assert "production was not compared" in text
    assert "Steps 5 to 10 did not run." in text
    assert "objectives met" not in text


def test_a_tabletop():
    text = Texts(html(scenes.paper())).text
    assert "Tabletop: no objective was fixed" in text
    assert "paper: talked through" in text
    assert "not announced" in text
    assert "Never answered: Question 3?" in text


def test_an_empty_drill_leaves_nothing_blank():
    source = html(scenes.empty())
    assert "number not recorded" in source
    cells = re.findall(r"<td[^>]*>(.*?)</td>", source, re.S)
    blank = [cell for cell in cells if not re.sub(r"<[^>]+>|\s", "", cell)]
    assert len(blank) == 8  # the lines to sign on: signature and date of four roles


@pytest.mark.parametrize("scene", [*SCENES, "hostile"])
def test_no_inline_style_or_script_and_every_text_is_text(scene):
    page = Texts(html({**SCENES, "hostile": scenes.hostile}[scene]()))
    assert "script" not in {tag for tag, _ in page.tags}
    assert "style" not in {tag for tag, _ in page.tags}
    assert "img" not in {tag for tag, _ in page.tags}
    wrong = {name for _, attributes in page.tags for name in attributes if name == "style" or name.startswith("on")}
    assert wrong == set()
    hrefs = {attributes.get("href") or "" for tag, attributes in page.tags if tag in ("a", "use")}
    assert all(href.startswith("/") for href in hrefs)


def test_hostile_texts_stand_in_the_report_as_they_are():
    text = Texts(html(scenes.hostile())).text
    assert text.count("<script>alert(1)</script>") >= 6
    assert "{{ 7|add:7 }}" in text


# --- the same again


@pytest.mark.parametrize("scene", SCENES)
def test_the_stored_drill_gives_the_same_bytes_again(scene):
    drill = SCENES[scene]()
    first, later = report.make(drill.pk, "operator1"), report.make(drill.pk, "auditor1")
    assert report_file.html(first) == report_file.html(later)
    assert report_file.json_file(first) == report_file.json_file(later)


def test_the_zone_of_a_version_stays_when_the_portals_changes(settings):
    drill = scenes.met()
    before = html(drill)
    settings.TIME_ZONE = "America/New_York"
    assert html(drill) == before


def test_a_report_is_recorded_once_and_signed():
    drill = scenes.met()
    made = report.make(drill.pk, "operator1")
    assert report.make(drill.pk, "auditor1").seal == made.seal
    record = Record.objects.get(kind="report.made")
    assert (record.subject, record.actor, record.number) == (f"drill:{drill.pk}", "operator1", made.seal.number)
    assert record.body["sha256"] == made.seal.sha256
    # the key that signs for the first time is recorded in between
    assert Signature.objects.filter(record_id__gte=record.number, subject=f"drill:{drill.pk}").exists()
    assert verify_chain().intact


def test_a_signature_after_it_makes_a_new_version_and_keeps_the_old_ones_record():
    drill = scenes.met()
    first = report.make(drill.pk, "operator1")
    Drill.objects.filter(pk=drill.pk).update(
        signatures=[{"role": "operator", "name": "operator1", "at": scenes.at(999).isoformat(), "words": ""}]
    )
    second = report.make(drill.pk, "operator1")
    assert (first.seal.version, second.seal.version) == (1, 2)
    assert first.seal.sha256 != second.seal.sha256
    assert Record.objects.filter(kind="report.made").count() == 2
    assert "version 2, CHG0034817" in report_file.html(second)


def test_the_hash_in_the_evidence_is_of_the_json_content():
    made = report.make(scenes.met().pk, "operator1")
    told = json.loads(report_file.json_file(made).raw)
    assert told["format"] == "holdfast-drill-report-2"
    spelled = json.dumps(told["content"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(spelled.encode()).hexdigest() == told["made"]["sha256"] == digest(told["content"])
    assert told["made"]["sha256"] == Record.objects.get(kind="report.made").body["sha256"]
    assert told["content"]["steps"][4]["acts"] == ["hosted-engine --vm-poweroff"]


def test_the_report_is_verified_as_it_says(tmp_path):
    """The box on its first page: export, verify with nothing but the file and the key, compare the hash."""
    drill = scenes.met()
    made = report.make(drill.pk, "operator1")
    exported, key = tmp_path / "drill.json", tmp_path / "holdfast.pub"
    call_command("evidence_export", str(exported), "--subject", f"drill:{drill.pk}")
    key.write_text(Key.objects.get(pk=made.seal.key).pem)
    told = subprocess.run(
        [sys.executable, str(VERIFIER), str(exported), str(key)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    record = next(one for one in json.loads(exported.read_text())["records"] if one["number"] == made.seal.number)
    assert record["sha256"] == made.seal.head
    assert record["body"]["sha256"] == digest(json.loads(report_file.json_file(made).raw)["content"])


def test_queries_do_not_grow_with_the_drill(django_assert_max_num_queries):
    drill = scenes.met()
    report.make(drill.pk, "operator1")
    with CaptureQueriesContext(connection) as few:
        report.make(drill.pk, "operator1")
    scenes.spans(drill, *((f"s{number}", True, number, number + 1, "") for number in range(40)))
    report.make(drill.pk, "operator1")
    with django_assert_max_num_queries(len(few)):
        report.make(drill.pk, "operator1")


# --- PDF


def test_the_pdf_is_the_same_again_and_dated_by_its_record():
    pytest.importorskip("weasyprint")
    made = report.make(scenes.aborted().pk, "operator1")
    first = report_file.pdf_file(made)
    assert first.raw.startswith(b"%PDF-")
    told = b"".join(_unpacked(one) for one in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", first.raw, re.S))
    assert f"{made.seal.at:D:%Y%m%d%H%M%S}".encode() in first.raw + told
    assert report_file.pdf_file(made).raw == first.raw


def _unpacked(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return b""


def test_a_report_fetches_nothing():
    with pytest.raises(ValueError, match="fetches nothing"):
        report_file.nothing("file:///etc/passwd")


def test_without_weasyprint_the_person_hears_what_is_needed(monkeypatch, reader):
    monkeypatch.setitem(__import__("sys").modules, "weasyprint", None)
    drill = scenes.paper()
    with pytest.raises(report_file.NoPdf, match="needs WeasyPrint"):
        report_file.pdf_file(report.make(drill.pk, "operator1"))
    answer = reader().get(reverse("drill-report-pdf", args=[drill.pk]))
    assert answer.url == reverse("drill", args=[drill.pk])
    assert not Record.objects.filter(kind="report.downloaded").exists()


def test_a_missing_style_sheet_is_said():
    with pytest.raises(report_file.NoPdf, match=r"none\.css is missing"):
        report_file.style("holdfast/none.css")


# --- API


def test_the_api_gives_the_same_bytes(reader):
    drill = scenes.paper()
    client = reader("auditor")
    told = client.get(f"/api/v1/drills/{drill.pk}/report/")
    assert told.status_code == 200
    assert told.content == client.get(reverse("drill-report-json", args=[drill.pk])).content
    assert Record.objects.filter(kind="report.downloaded", subject=f"drill:{drill.pk}").count() == 2


@pytest.mark.parametrize("form", ["report", "report/pdf"])
def test_the_api_has_no_report_before_the_end(form, reader):
    drill = scenes.paper()
    Run.objects.filter(pk=drill.run_id).update(status="running")
    answer = reader("auditor").get(f"/api/v1/drills/{drill.pk}/{form}/")
    assert answer.status_code == 409
    assert "has not ended" in answer.json()["detail"]
    assert reader("auditor").get(f"/api/v1/drills/{drill.pk + 99}/{form}/").status_code == 404


# --- views


def test_an_ended_drill_links_to_its_report(reader):
    drill = scenes.paper()
    assert reverse("drill-report", args=[drill.pk]) in reader().get(reverse("drill", args=[drill.pk])).content.decode()


def test_the_roles_that_sign_are_those_of_the_report():
    assert conduct.ROLES == involved.ROLES


def test_page_and_downloads(reader):
    drill = scenes.paper()
    client = reader("auditor")
    page = client.get(reverse("drill-report", args=[drill.pk]))
    assert page.status_code == 200
    assert "style-src 'self'" in page["Content-Security-Policy"]
    told = client.get(reverse("drill-report-json", args=[drill.pk]))
    assert told["Content-Disposition"] == f'attachment; filename="DR-2026-{drill.pk:03d}-v1.json"'
    record = Record.objects.get(kind="report.downloaded")
    assert (record.actor, record.subject) == ("auditor1", f"drill:{drill.pk}")
    assert record.body["sha256"] == hashlib.sha256(told.content).hexdigest()
    # a download is no part of the report
    assert client.get(reverse("drill-report-json", args=[drill.pk])).content == told.content


@pytest.mark.parametrize("url", URLS)
def test_nobody_reads_it_without_the_act(url, reader):
    drill = scenes.paper()
    address = reverse(url, args=[drill.pk])
    assert Client().get(address).status_code == 302
    stranger = User.objects.create_user("stranger")
    client = Client()
    client.force_login(stranger)
    assert client.get(address).status_code == 403
    assert reader().get(reverse(url, args=[drill.pk + 99])).status_code == 404
    assert reader().post(address).status_code == 405


@pytest.mark.parametrize("url", URLS)
def test_a_drill_that_goes_on_has_no_report(url, reader):
    drill = scenes.met()
    Run.objects.filter(pk=drill.run_id).update(status="running")
    answer = reader().get(reverse(url, args=[drill.pk]))
    assert answer.url == reverse("drill", args=[drill.pk])
    assert not Record.objects.filter(kind__startswith="report.").exists()


def test_while_it_is_measured_there_is_no_report():
    drill = scenes.met()
    Drill.objects.filter(pk=drill.pk).update(closed_at=None, measured={"asked": {}})
    Run.objects.filter(pk=drill.run_id).update(ended=timezone.now())
    with pytest.raises(report.NoReport, match="is being measured"):
        report.make(drill.pk, "operator1")
