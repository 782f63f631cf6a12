"""The chain: appended in order, tied to the act's transaction, append-only in the database, signed at its head."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from enum import Enum

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.contrib.auth.models import Group
from django.db import IntegrityError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from portal.evidence import services
from portal.evidence.canonical import SecretInEvidence, canonical, plain, stamp
from portal.evidence.models import GENESIS, Record
from portal.kernel.secret import Secret


def pem():
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


class Colour(Enum):
    RED = "red"


def test_canonical_spelling_is_fixed():
    value = {
        "b": [1, True, None, 1.5, -0.0],
        "a": "é\0\ud800",
        "t": datetime(2026, 3, 1, 9, tzinfo=UTC),
        "c": Colour.RED,
    }
    assert canonical(value).decode() == (
        '{"a":"é\ufffd\ufffd","b":[1,true,null,"1.5","-0.0"],"c":"red","t":"2026-03-01T09:00:00.000000Z"}'
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(JSON)
def test_canonical_is_stable(value):
    import json

    once = canonical(value)
    assert canonical(json.loads(once)) == once


@pytest.mark.parametrize(
    "body",
    [
        {"password": Secret("tiger")},
        {"deep": [{"x": Secret("tiger")}]},
        {Secret("tiger"): 1},
        {"key": pem()},
        {"log": "first line\n-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA"},
    ],
)
@pytest.mark.django_db
def test_a_secret_is_refused_and_nothing_is_written(body):
    with pytest.raises(SecretInEvidence) as caught:
        services.append("x", "anna", "s", body)
    assert "tiger" not in str(caught.value)
    assert Record.objects.count() == 0


@pytest.mark.parametrize("body", [{"x": object()}, {"x": b"raw"}, {1: "x"}])
def test_what_has_no_spelling_is_refused(body):
    with pytest.raises(TypeError):
        plain(body)


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="no time zone"):
        stamp(datetime(2026, 1, 1))


@pytest.mark.django_db
def test_records_are_linked_and_gapless():
    made = [services.append("run.started", "anna", f"run:{n}", {"n": n, "big": 2**70}) for n in range(3)]
    assert [record.number for record in made] == [1, 2, 3]
    assert [record.previous for record in made] == [GENESIS, made[0].sha256, made[1].sha256]
    assert services.head() == made[2]
    assert services.verify_chain().sentence() == "Records 1 to 3 are intact; none is signed."


@pytest.mark.django_db
@pytest.mark.parametrize(("kind", "actor"), [("", "anna"), ("x", "")])
def test_a_record_names_its_kind_and_actor(kind, actor):
    with pytest.raises(ValueError, match="needs a kind and an actor"):
        services.append(kind, actor, "s")


@transaction.atomic
def act_and_record(body, fails):
    Group.objects.create(name="acted")
    services.append("acted", "anna", "s", body)
    if fails:
        raise RuntimeError("the act failed")


@pytest.mark.django_db(transaction=True)
def test_the_act_and_its_record_are_undone_together():
    with pytest.raises(RuntimeError):
        act_and_record({}, fails=True)
    assert (Group.objects.count(), Record.objects.count()) == (0, 0)
    with pytest.raises(SecretInEvidence):
        act_and_record({"x": Secret("y")}, fails=False)
    assert (Group.objects.count(), Record.objects.count()) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_writers_side_by_side_make_one_chain():
    def write(name):
        for _ in range(10):
            with transaction.atomic():
                services.append("x", name, "s")
        connection.close()

    threads = [threading.Thread(target=write, args=(f"w{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    verdict = services.verify_chain()
    assert (verdict.records, verdict.problem) == (40, "")


REFUSED = {
    "update": "UPDATE evidence_record SET actor = 'mallory' WHERE number = 1",
    "delete": "DELETE FROM evidence_record WHERE number = 2",
    "update key": "UPDATE evidence_key SET pem = 'x'",
    "delete signature": "DELETE FROM evidence_signature",
    "gap": "INSERT INTO evidence_record SELECT 9, at, kind, actor, subject, body, body_sha256, sha256, sha256 "
    "FROM evidence_record WHERE number = 2",
    "fork": "INSERT INTO evidence_record SELECT 3, at, kind, actor, subject, body, body_sha256, previous, sha256 "
    "FROM evidence_record WHERE number = 2",
    "truncate": "SET CONSTRAINTS ALL IMMEDIATE; "
    "ALTER TABLE evidence_record ENABLE TRIGGER evidence_record_no_truncate; TRUNCATE evidence_record CASCADE",
}


@pytest.mark.django_db
@pytest.mark.parametrize("case", REFUSED)
def test_the_database_refuses_every_change(case, settings):
    settings.HOLDFAST_EVIDENCE_KEY = pem()
    services.append("x", "anna", "s")
    services.seal("s")
    with pytest.raises(IntegrityError, match=r"append-only|not the next link"), transaction.atomic():
        connection.cursor().execute(REFUSED[case])
    assert services.verify_chain().sentence() == "Records 1 to 2 are intact, signed up to record 2."


@pytest.mark.django_db
def test_seal_without_a_key_or_records(settings):
    settings.HOLDFAST_EVIDENCE_KEY = pem()
    assert services.seal("s") is None
    services.append("x", "anna", "s")
    settings.HOLDFAST_EVIDENCE_KEY = ""
    assert services.seal("s") is None


@pytest.mark.django_db
def test_a_new_key_is_recorded_before_it_signs(settings):
    settings.HOLDFAST_EVIDENCE_KEY = pem()
    services.append("run.ended", "portal", "run:1")
    first = services.seal("run:1")
    assert services.seal("run:1") == first
    services.append("run.ended", "portal", "run:2")
    settings.HOLDFAST_EVIDENCE_KEY = pem()
    second = services.seal("run:2")
    assert first.key_id != second.key_id
    introduced = Record.objects.filter(kind="evidence.key").order_by("number")
    assert [row.body["key"] for row in introduced] == [first.key_id, second.key_id]
    assert introduced[1].body["former_key"] == first.key_id
    verdict = services.verify_chain()
    assert (verdict.intact, verdict.signed_to, verdict.keys) == (True, 4, {first.key_id, second.key_id})
    assert "not among the trusted keys" in services.verify_chain(frozenset({first.key_id})).problem


TAMPER = {
    "actor": ("UPDATE evidence_record SET actor = 'mallory' WHERE number = 2", "Record 2 has been altered."),
    "time": (
        "UPDATE evidence_record SET at = at + interval '1 microsecond' WHERE number = 2",
        "Record 2 has been altered.",
    ),
    "kind": ("UPDATE evidence_record SET kind = 'y' WHERE number = 2", "Record 2 has been altered."),
    "subject": ("UPDATE evidence_record SET subject = 'y' WHERE number = 2", "Record 2 has been altered."),
    "body": (
        "UPDATE evidence_record SET body = '{\"n\": 9}' WHERE number = 2",
        "The body of record 2 has been altered.",
    ),
    "missing": ("DELETE FROM evidence_record WHERE number = 2", "Record 2 is missing: record 3 follows record 1."),
    "swapped": (
        "UPDATE evidence_record SET number = CASE number WHEN 2 THEN 3 ELSE 2 END WHERE number IN (2, 3)",
        "Record 2 has been altered.",
    ),
    "signature": (
        "UPDATE evidence_signature SET subject_records = 7",
        "The signature at record 4 does not fit: the records before it or the signature are forged.",
    ),
}


@pytest.mark.django_db
@pytest.mark.parametrize("case", TAMPER)
def test_whoever_gets_past_the_triggers_is_found(case, settings):
    settings.HOLDFAST_EVIDENCE_KEY = pem()
    for n in range(3):
        services.append("x", "anna", "s", {"n": n})
    services.seal("s")
    statement, sentence = TAMPER[case]
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        try:
            if case == "swapped":
                cursor.execute("ALTER TABLE evidence_record DROP CONSTRAINT evidence_record_pkey CASCADE")
            cursor.execute(statement)
        finally:
            cursor.execute("SET session_replication_role = origin")
    verdict = services.verify_chain()
    assert verdict.sentence() == sentence
    assert not verdict.intact
