"""The auditor's way to the evidence over HTTP."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.db import connection
from django.test import Client

from portal.access.services import add_person
from portal.evidence import services as evidence
from portal.evidence.models import Record
from portal.kernel.secret import Secret


@pytest.fixture
def auditor(db, settings):
    key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    settings.HOLDFAST_EVIDENCE_KEY = key.decode()
    client = Client()
    client.force_login(add_person("audrey", "auditor", Secret("correct horse battery"), by="test"))
    evidence.append("run.started", "portal", "run:7", {"n": 1})
    evidence.append("run.started", "portal", "run:8", {"n": 2})
    return client


def taken(answer):
    return json.loads(b"".join(answer.streaming_content))


def test_an_auditor_takes_a_subject_home_and_that_is_recorded(auditor):
    answer = auditor.post("/evidence/export/", {"subject": "run:7"})
    assert answer["Content-Disposition"] == 'attachment; filename="evidence-run-7-3-5.json"'
    export = taken(answer)
    assert export["subject"] == "run:7"
    assert [row["number"] for row in export["records"] if "body" in row] == [3]
    assert len(export["signatures"]) == 1
    made = Record.objects.get(kind="evidence.exported")
    assert (made.actor, made.body["subject"]) == ("audrey", "run:7")


def test_a_range_and_everything(auditor):
    assert len(taken(auditor.post("/evidence/export/", {"first": "1", "last": "2"}))["records"]) == 2
    everything = taken(auditor.post("/evidence/export/", {}))
    assert everything["last"] == len(everything["records"])
    assert all("body" in row for row in everything["records"])


@pytest.mark.parametrize("asked", [{"subject": "run:99"}, {"first": "x"}, {"first": "0"}, {"first": "9", "last": "3"}])
def test_what_cannot_be_exported_comes_back_with_a_sentence(auditor, asked):
    answer = auditor.post("/evidence/export/", asked)
    assert (answer.status_code, answer["Location"]) == (302, "/evidence/")
    assert not Record.objects.filter(kind="evidence.exported").exists()


def test_a_file_name_holds_no_surprise(auditor):
    evidence.append("x", "portal", 'person:"; /é', {})
    answer = auditor.post("/evidence/export/", {"subject": 'person:"; /é'})
    assert answer["Content-Disposition"] == 'attachment; filename="evidence-person--5-6.json"'


def test_the_public_key(auditor, settings):
    assert auditor.get("/evidence/public-key.pem").content.startswith(b"-----BEGIN PUBLIC KEY-----")
    assert auditor.get("/evidence/export/").status_code == 405


def test_the_page_offers_the_export_to_an_auditor_only(auditor):
    page = auditor.get("/evidence/?subject=run:7").content.decode()
    assert 'action="/evidence/export/"' in page
    assert "Export run:7" in page
    other = Client()
    other.force_login(add_person("olga", "operator", Secret("correct horse battery"), by="test"))
    assert 'action="/evidence/export/"' not in other.get("/evidence/").content.decode()
    assert other.post("/evidence/export/", {}).status_code == 403
    assert Record.objects.get(kind="access.denied").body["act"] == "evidence.export"


@pytest.mark.parametrize("change", ["body = '{}'", "actor = 'mallory'"])
def test_a_record_that_was_changed_is_shown_as_changed(auditor, change):
    assert "Header and body of this record fit its hash" in auditor.get("/evidence/3/").content.decode()
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(f"UPDATE evidence_record SET {change} WHERE number = 3")
        cursor.execute("SET session_replication_role = origin")
    assert "the evidence was changed" in auditor.get("/evidence/3/").content.decode()
