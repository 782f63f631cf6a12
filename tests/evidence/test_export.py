"""The export and its stand-alone verifier: what is intact passes, and every tampering is named."""

from __future__ import annotations

import copy
import importlib.util
import io
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from django.core.management import CommandError, call_command
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.evidence import services, signing
from portal.evidence.models import Record
from portal.evidence.services import verify as verify_module

VERIFIER = Path(__file__).resolve().parents[2] / "deploy" / "holdfast_verify.py"
spec = importlib.util.spec_from_file_location("holdfast_verify", VERIFIER)
holdfast_verify = importlib.util.module_from_spec(spec)
spec.loader.exec_module(holdfast_verify)

KEY = Ed25519PrivateKey.generate()
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
RAW = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
KEYS = {signing.key_id(KEY): RAW}


@pytest.fixture
def recorded(db, settings):
    """run:7 between other records, sealed; two records after it, sealed with them for another subject."""
    settings.HOLDFAST_EVIDENCE_KEY = PEM
    services.append("access.login", "anna", "person:anna")
    for n in range(3):
        services.append("run.step", "portal", "run:7", {"n": n, "said": "Zürich \u2028 \U0001f600", "long": 2**80})
        services.append("run.step", "portal", "run:8", {"n": n, "private": "of run 8"})
    services.seal("run:7")
    services.append("access.logout", "anna", "person:anna")
    services.seal("run:8")


def exported(scope):
    return json.loads("".join(services.export(scope)))


def checked(export, keys=KEYS, least=0):
    return holdfast_verify.verify(export, keys, least)


def run(folder, text, *options, python=(sys.executable, "-I", "-S")):
    """The real script as the auditor runs it, without any package."""
    (folder / "export.json").write_text(text, encoding="utf-8")
    (folder / "key.pem").write_text(signing.public_pem(KEY))
    command = [*python, str(VERIFIER), str(folder / "export.json"), str(folder / "key.pem"), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


def test_a_subject_is_exported_with_its_neighbours_bodies_withheld(recorded):
    export = exported(services.everything_of("run:7"))
    assert [row["number"] for row in export["records"]] == [2, 3, 4, 5, 6, 7, 8]
    assert ["body" in row for row in export["records"]] == [True, False, True, False, True, False, False]
    assert "of run 8" not in json.dumps(export)
    code, (sentence,) = checked(export)
    assert code == 0
    assert sentence.startswith("Records 2 to 8, 3 of them about run:7 are intact, signed by ")


def test_everything_is_exported_and_sealed_first(recorded):
    services.append("late", "anna", "s")
    code, (sentence,) = checked(exported(services.span()))
    assert (code, sentence.split(",")[0]) == (0, "Records 1 to 10 are intact")
    assert checked(exported(services.span(3, 5)))[0] == 3


@pytest.mark.parametrize("python", [(sys.executable, "-I", "-S"), (sys.executable,)], ids=["alone", "cryptography"])
def test_the_script_needs_nothing_but_python(recorded, tmp_path, python):
    text = "".join(services.export(services.everything_of("run:7")))
    code, lines = run(tmp_path, text, python=python)
    assert (code, len(lines)) == (0, 1)
    code, lines = run(tmp_path, text.replace('"n":1', '"n":9'), python=python)
    assert (code, lines) == (1, ["The body of record 4 has been altered."])
    code, lines = run(tmp_path, text, "--last", "12", python=python)
    assert (code, lines) == (1, ["The export ends with record 8; record 12 is known to exist."])


def tampered(export, how):
    export = copy.deepcopy(export)
    how(export, export["records"], export["signatures"])
    return export


def rehash(records, start):
    """What a forger does who knows the format: every later link made anew."""
    for before, row in zip(records[start - 1 :], records[start:], strict=False):
        row["previous"] = before["sha256"]
        row["sha256"] = holdfast_verify.digest({name: row[name] for name in holdfast_verify.HEADER})


def forged(export, records, signatures):
    records[2]["actor"] = "mallory"
    records[2]["sha256"] = holdfast_verify.digest({name: records[2][name] for name in holdfast_verify.HEADER})
    rehash(records, 3)


TAMPER = {
    "altered": (lambda e, r, s: r[2].update(actor="mallory"), "Record 4 has been altered."),
    "body": (lambda e, r, s: r[2]["body"].update(n=9), "The body of record 4 has been altered."),
    "missing": (lambda e, r, s: r.pop(2), "Record 4 is missing before record 5."),
    "two missing": (lambda e, r, s: (r.pop(2), r.pop(2)), "Records 4 to 5 are missing before record 6."),
    "first cut": (lambda e, r, s: r.pop(0), "Record 2 is missing before record 3."),
    "last cut": (lambda e, r, s: r.pop(), "The export ends with record 7, not with 8: some are missing."),
    "reordered": (
        lambda e, r, s: r.insert(3, r.pop(2)),
        "Record 4 stands where record 6 belongs: the order has been changed.",
    ),
    "twice": (lambda e, r, s: r.insert(2, r[1]), "Record 3 stands where record 4 belongs: the order has been changed."),
    "withheld": (lambda e, r, s: r[2].pop("body"), "Record 4 (run.step) comes without its body."),
    "signed number": (
        lambda e, r, s: s[0].update(number=7),
        "The signature at record 7 is forged, or what it signs has been altered.",
    ),
    "signature": (
        lambda e, r, s: s[0].update(signature=("A" if s[0]["signature"][0] != "A" else "B") + s[0]["signature"][1:]),
        "The signature at record 8 is forged, or what it signs has been altered.",
    ),
    "links made anew": (forged, "Record 8 is not the one that was signed: it, or one before it, has been replaced."),
    "front cut": (
        lambda e, r, s: (r.__delitem__(slice(0, 2)), e.update(first=4)),
        "3 records about run:7 were signed at record 8, and 2 are here.",
    ),
    "tail cut": (
        lambda e, r, s: (r.__delitem__(slice(4, 7)), e.update(last=5)),
        "Record 8 was signed and is missing.",
    ),
    "another subject": (
        lambda e, r, s: e.update(subject="run:9"),
        "The export is about run:9 and holds no record about it.",
    ),
}


@pytest.mark.parametrize("case", TAMPER)
def test_each_tampering_is_named(recorded, case):
    how, sentence = TAMPER[case]
    code, sentences = checked(tampered(exported(services.everything_of("run:7")), how))
    assert code == 1
    assert sentence in sentences


def test_a_stripped_or_foreign_signature_proves_nothing(recorded):
    export = exported(services.everything_of("run:7"))
    assert checked(tampered(export, lambda e, r, s: s.clear()))[0] == 3
    other = Ed25519PrivateKey.generate()
    code, (sentence,) = checked(export, {signing.key_id(other): RAW})
    assert (code, "which is none of the keys given" in sentence) == (1, True)


def test_no_changed_byte_is_overlooked(recorded):
    """Every byte of the file, one at a time: either the file says the same, or the verifier does not accept it."""
    text = "".join(services.export(services.everything_of("run:7"))).encode()
    meaning, dice, accepted = json.loads(text), random.Random(7), []
    verify = holdfast_verify
    for index in dice.sample(range(len(text)), 1200):
        changed = bytearray(text)
        changed[index] ^= 1 << dice.randrange(8)
        try:
            same = json.loads(changed.decode()) == meaning
            code = verify.verify(read(changed.decode()), KEYS)[0]
        except (verify.Unreadable, UnicodeDecodeError, ValueError):
            continue
        if code == 0 and not same:
            accepted.append((index, bytes(changed[max(0, index - 20) : index + 20])))
    assert accepted == []


def read(text):
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        return holdfast_verify.read_export(file.name)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "cannot be read as an export"),
        ("[" * 100_000, "cannot be read as an export"),
        ("[]", "is no export in the format"),
        ('{"format":"holdfast-evidence-2"}', "is no export in the format"),
        ('{"format":"holdfast-evidence-1"}', "has not exactly the fields"),
        (
            '{"format":"holdfast-evidence-1","first":1,"last":1,"subject":"","records":[],"signatures":[]}',
            "holds no record",
        ),
        (
            '{"format":"holdfast-evidence-1","first":1,"last":1,"subject":"","records":7,"signatures":[]}',
            "holds an entry that has not exactly the fields",
        ),
        ('{"format":"holdfast-evidence-1","format":"x"}', "stands twice"),
        ('{"x":1.5}', "no whole number"),
        ('{"x":NaN}', "no whole number"),
    ],
)
def test_what_is_no_export_gets_a_sentence_and_2(tmp_path, text, sentence):
    code, lines = run(tmp_path, text)
    assert (code, len(lines)) == (2, 1)
    assert sentence in lines[0]


def test_a_bad_key_gets_a_sentence_and_2(recorded, tmp_path):
    text = "".join(services.export(services.span()))
    (tmp_path / "private.pem").write_text(PEM)
    code, lines = run(tmp_path, text, str(tmp_path / "private.pem"))
    assert (code, "holds no Ed25519 public key" in lines[0]) == (2, True)
    code, lines = run(tmp_path, text, str(tmp_path / "nowhere.pem"))
    assert (code, "cannot be read" in lines[0]) == (2, True)


def test_the_own_ed25519_knows_the_vectors_of_rfc_8032():
    key = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    signature = bytes.fromhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    assert holdfast_verify.own_ed25519(key, signature, bytes.fromhex("72"))
    assert not holdfast_verify.own_ed25519(key, signature, bytes.fromhex("73"))
    # s + L would pass an implementation that forgets the range of s
    s = (int.from_bytes(signature[32:], "little") + holdfast_verify.L).to_bytes(32, "little")
    assert not holdfast_verify.own_ed25519(key, signature[:32] + s, bytes.fromhex("72"))
    assert not holdfast_verify.own_ed25519(b"\xff" * 32, signature, b"")
    assert not holdfast_verify.own_ed25519(key, signature[:63], b"")


@settings(max_examples=25, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200), st.integers(0, 511), st.integers(0, 255))
def test_the_own_ed25519_agrees_with_cryptography(seed, message, bit, other):
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    signature = bytearray(key.sign(message))
    assert holdfast_verify.own_ed25519(public, bytes(signature), message)
    signature[bit // 8] ^= 1 << bit % 8
    wrong = bytearray(public)
    wrong[other // 8] ^= 1 << other % 8
    library = holdfast_verify.chosen_ed25519()
    for k, s, m in (
        (public, bytes(signature), message),
        (public, key.sign(message), message + b"x"),
        (bytes(wrong), key.sign(message), message),
    ):
        assert holdfast_verify.own_ed25519(k, s, m) is library(k, s, m) is False


def test_the_commands(recorded, tmp_path):
    target = tmp_path / "run7.json"
    call_command("evidence_export", str(target), subject="run:7", stdout=io.StringIO())
    key = tmp_path / "public.pem"
    out = io.StringIO()
    call_command("evidence_public_key", stdout=out, stderr=io.StringIO())
    key.write_text(out.getvalue())
    assert holdfast_verify.main([str(target), str(key)]) == 0
    assert services.head().kind == "evidence.exported"
    assert services.head().body == {"subject": "run:7", "first": 1}
    with pytest.raises(CommandError, match="File exists"):
        call_command("evidence_export", str(target))
    with pytest.raises(CommandError, match="Nothing is recorded about run:99"):
        call_command("evidence_export", str(tmp_path / "x"), subject="run:99")
    out = io.StringIO()
    call_command("evidence_verify", stdout=out)
    assert out.getvalue().startswith("Records 1 to ")
    call_command("evidence_verify", "--key", str(key), stdout=io.StringIO())
    other = tmp_path / "other.pem"
    other.write_text(signing.public_pem(Ed25519PrivateKey.generate()))
    with pytest.raises(CommandError, match="not among the trusted keys"):
        call_command("evidence_verify", "--key", str(other))
    with pytest.raises(CommandError, match="holds no public key"):
        call_command("evidence_verify", "--key", str(target))


def test_no_key_no_public_key(settings):
    settings.HOLDFAST_EVIDENCE_KEY = ""
    with pytest.raises(CommandError, match="nothing signs them"):
        call_command("evidence_public_key")
    settings.HOLDFAST_EVIDENCE_KEY = "garbage"
    with pytest.raises(Exception, match="no unencrypted PEM private key"):
        call_command("evidence_public_key")


@pytest.mark.django_db
def test_an_empty_chain_says_so():
    assert verify_module.verify_chain().sentence() == "Nothing is recorded yet."
    with pytest.raises(ValueError, match="no records"):
        services.span()
    assert Record.objects.count() == 0
