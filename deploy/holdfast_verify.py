#!/usr/bin/env python3
"""Checks an evidence export, a period report or a recovery-day kit of Holdfast with nothing but the file and the key.

    python3 holdfast_verify.py EXPORT.json|REPORT.json|KIT.zip PUBLIC_KEY.pem [PUBLIC_KEY.pem ...] [--last NUMBER]

Give every public key that was in use in the time of the export, as you received it by a way of its own: the keys inside
the file are not believed. --last: the number that the last record must have at least, when you know it from elsewhere.
Exit code 0: every record is intact and signed. 1: something is wrong; one sentence per problem. 2: the file or a key
cannot be read. 3: intact, but the last records, or all, carry no signature: they prove nothing yet.
It needs Python 3.9 or newer and no package. When the `cryptography` package is there, its Ed25519 is used; otherwise
the one below, which follows RFC 8032. The formats are described in docs/adr/0007-evidence.md and in the kit itself."""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import sys
import zipfile
from collections.abc import Callable
from typing import Any

FORMAT, REPORTS = "holdfast-evidence-1", ("holdfast-period-report-1", "holdfast-period-report-2")
GENESIS = "0" * 64
SEAL, REPORT_SEAL = "holdfast-evidence-seal-1", "holdfast-period-report-seal-1"
HEADER = ("actor", "at", "body_sha256", "kind", "number", "previous", "subject")
STATEMENT = ("at", "head", "key", "number", "subject", "subject_records", "type")
SPKI = bytes.fromhex("302a300506032b6570032100")  # how an Ed25519 public key begins in DER
TOP = ("first", "format", "last", "records", "signatures", "subject")
SUMS, SIGNATURE = "SHA256SUMS", "SHA256SUMS.sig"
LARGEST = 64 * 2**20  # bytes of all files of a kit; real ones have less than 1 MiB
Keys = dict[str, bytes]


class Unreadable(Exception):
    """The file or a key is not what it should be."""


def canonical(value: object) -> bytes:
    """The one spelling whose hash counts: sorted keys, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def digest(value: object) -> str:
    """SHA-256 of the canonical spelling."""
    return hashlib.sha256(canonical(value)).hexdigest()


# --- Ed25519 (RFC 8032, 5.1), on the curve -x^2 + y^2 = 1 + d x^2 y^2 over the field of P elements ------------------
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493  # order of the base point
D = -121665 * pow(121666, -1, P) % P
ROOT = pow(2, (P - 1) // 4, P)  # a square root of -1
Point = tuple[int, int, int, int]  # X, Y, Z, T with x = X/Z, y = Y/Z, x*y = T/Z


def add(p: Point, q: Point) -> Point:
    """The sum of two points (5.1.4)."""
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(scalar: int, point: Point) -> Point:
    """The point added to itself that often."""
    total: Point = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            total = add(total, point)
        point = add(point, point)
        scalar >>= 1
    return total


def decoded(raw: bytes) -> Point:
    """The point that 32 bytes name (5.1.3). Raises ValueError when they name none."""
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        raise ValueError("no point")
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        raise ValueError("no point")
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


BASE = decoded(bytes.fromhex("58" + "66" * 31))


def own_ed25519(key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the signature is the key's over the message (5.1.7)."""
    if len(signature) != 64:
        return False
    try:
        a, r = decoded(key), decoded(signature[:32])
    except ValueError:
        return False
    s = int.from_bytes(signature[32:], "little")
    if s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    left, right = times(s, BASE), add(r, times(k, a))
    return not ((left[0] * right[2] - right[0] * left[2]) % P or (left[1] * right[2] - right[1] * left[2]) % P)


def chosen_ed25519() -> Callable[[bytes, bytes, bytes], bool]:
    """The `cryptography` package's check when it is installed, else the one above."""
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        return own_ed25519

    def check(key: bytes, signature: bytes, message: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True

    return check


# --- reading ---------------------------------------------------------------------------------------------------------
def read_key(path: str) -> tuple[str, bytes]:
    """(id, 32 bytes) of a public key in PEM."""
    try:
        with open(path, encoding="ascii") as file:
            inner = re.search("-----BEGIN PUBLIC KEY-----(.*?)-----END PUBLIC KEY-----", file.read(), re.DOTALL)
        der = base64.b64decode("".join(inner.group(1).split()), validate=True) if inner else b""
    except (OSError, ValueError) as error:
        raise Unreadable(f"The key {path} cannot be read: {error}") from None
    if len(der) != len(SPKI) + 32 or not der.startswith(SPKI):
        raise Unreadable(f"{path} holds no Ed25519 public key in PEM.")
    return hashlib.sha256(der).hexdigest(), der[len(SPKI) :]


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object in which no key stands twice: the second could hide the first."""
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return dict(pairs)


def no_fraction(text: str) -> Any:
    """Evidence holds no fraction and no constant such as NaN."""
    raise ValueError(f"{text} is no whole number")


def read_json(path: str) -> Any:
    """What the file holds."""
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file, object_pairs_hook=once, parse_float=no_fraction, parse_constant=no_fraction)
    except (OSError, ValueError, RecursionError) as error:
        raise Unreadable(f"{path} cannot be read as an export: {error}") from None


def read_export(path: str) -> dict[str, Any]:
    """The export, with the shape that the checks below rely on."""
    export = read_json(path)
    if not isinstance(export, dict) or export.get("format") != FORMAT:
        raise Unreadable(f"{path} is no export in the format {FORMAT}.")
    if set(export) != set(TOP) or not well_typed(export, ("first", "last")):
        raise Unreadable(f"{path} has not exactly the fields {', '.join(TOP)}.")
    check_shape(path, export["records"], {*HEADER, "sha256"}, {"body"})
    check_shape(path, export["signatures"], {*STATEMENT, "signature"}, set())
    if not export["records"]:
        raise Unreadable(f"{path} holds no record.")
    return export


def check_shape(path: str, rows: object, needed: set[str], optional: set[str]) -> None:
    """Raises Unreadable unless every row has the fields it needs, no other, and each of its type."""
    for row in rows if isinstance(rows, list) else [None]:
        if not isinstance(row, dict) or not needed <= set(row) <= needed | optional:
            raise Unreadable(f"{path} holds an entry that has not exactly the fields of one.")
        if not well_typed(row, ("number", "subject_records")):
            raise Unreadable(f"{path} holds an entry with a field of the wrong type.")


def well_typed(row: dict[str, Any], numbers: tuple[str, ...]) -> bool:
    """Whole numbers where a number must be, strings elsewhere; a body and lists may be anything."""
    rest = {name: value for name, value in row.items() if name not in ("body", "records", "signatures")}
    return all(type(value) is (int if name in numbers else str) for name, value in rest.items())


# --- checking --------------------------------------------------------------------------------------------------------
def check_records(export: dict[str, Any]) -> list[str]:
    """Every record against its own hash, and against the one before it."""
    problems = []
    before: dict[str, Any] = {}
    subject = export["subject"]
    for record in export["records"]:
        problems += check_place(record, before, export)
        problems += check_content(record, subject)
        before = record
    if before["number"] != export["last"]:
        problems.append(f"The export ends with record {before['number']}, not with {export['last']}: some are missing.")
    if subject and not any(record["subject"] == subject for record in export["records"]):
        problems.append(f"The export is about {subject} and holds no record about it.")
    return problems


def check_place(record: dict[str, Any], before: dict[str, Any], export: dict[str, Any]) -> list[str]:
    """Whether the record stands where it must. What the first one follows is outside the file."""
    number, expected = record["number"], before["number"] + 1 if before else export["first"]
    if number < expected:
        return [f"Record {number} stands where record {expected} belongs: the order has been changed."]
    if number > expected:
        gone = f"Record {expected} is" if number == expected + 1 else f"Records {expected} to {number - 1} are"
        return [f"{gone} missing before record {number}."]
    if record["previous"] != (before["sha256"] if before else GENESIS) and (before or number == 1):
        return [f"Record {number} does not follow record {number - 1}: one of them has been replaced."]
    return []


def check_content(record: dict[str, Any], subject: str) -> list[str]:
    """Whether the record is what its hashes say."""
    number, problems = record["number"], []
    if digest({name: record[name] for name in HEADER}) != record["sha256"]:
        problems.append(f"Record {number} has been altered.")
    if "body" in record and digest(record["body"]) != record["body_sha256"]:
        problems.append(f"The body of record {number} has been altered.")
    if "body" not in record and subject in ("", record["subject"]):
        problems.append(f"Record {number} ({record['kind']}) comes without its body.")
    return problems


def check_signatures(export: dict[str, Any], keys: Keys) -> tuple[list[str], int]:
    """Problems, and the number of the last record that a good signature vouches for (0: none)."""
    problems, vouched = [], 0
    ed25519 = chosen_ed25519()
    heads = {record["number"]: record["sha256"] for record in export["records"]}
    for row in export["signatures"]:
        problem = check_signature(row, heads, keys, ed25519) or check_count(row, export)
        if problem:
            problems.append(problem)
        else:
            vouched = max(vouched, row["number"])
    return problems, vouched


def check_signature(
    row: dict[str, Any], heads: dict[int, str], keys: Keys, ed25519: Callable[[bytes, bytes, bytes], bool]
) -> str:
    """One signature; "" when it is good."""
    number = row["number"]
    if row["key"] not in keys:
        return f"The signature at record {number} is by the key {row['key']}, which is none of the keys given."
    raw = decoded_signature(row["signature"])
    if row["type"] != SEAL or not ed25519(keys[row["key"]], raw, canonical({name: row[name] for name in STATEMENT})):
        return f"The signature at record {number} is forged, or what it signs has been altered."
    if number not in heads:
        return f"Record {number} was signed and is missing."
    if heads[number] != row["head"]:
        return f"Record {number} is not the one that was signed: it, or one before it, has been replaced."
    return ""


def decoded_signature(text: str) -> bytes:
    """64 bytes from their one spelling in base64; b"" for anything else."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        return b""
    return raw if base64.b64encode(raw).decode() == text else b""


def check_count(row: dict[str, Any], export: dict[str, Any]) -> str:
    """A signature over the subject of the export says how many of its records there are: none may be left out."""
    if not row["subject"] or row["subject"] != export["subject"]:
        return ""
    here = sum(one["subject"] == row["subject"] and one["number"] <= row["number"] for one in export["records"])
    if here == row["subject_records"]:
        return ""
    wanted = f"{row['subject_records']} records about {row['subject']}"
    return f"{wanted} were signed at record {row['number']}, and {here} are here."


def verify(export: dict[str, Any], keys: Keys, least: int = 0) -> tuple[int, list[str]]:
    """(exit code, sentences)."""
    forged, vouched = check_signatures(export, keys)
    problems = check_records(export) + forged
    first, last = export["records"][0]["number"], export["records"][-1]["number"]
    if last < least:
        problems.append(f"The export ends with record {last}; record {least} is known to exist.")
    if problems:
        return 1, problems
    if not vouched:
        return 3, [f"Records {first} to {last} fit together and carry no signature: they prove nothing yet."]
    if vouched < last:
        return 3, [f"Records {first} to {vouched} are intact and signed; {vouched + 1} to {last} are not signed yet."]
    return 0, [summary(export, first, last)]


def summary(export: dict[str, Any], first: int, last: int) -> str:
    """What was found good."""
    subject = export["subject"]
    mine = sum(record["subject"] == subject for record in export["records"])
    about = f", {mine} of them about {subject}" if subject else ""
    signers = ", ".join(sorted({row["key"] for row in export["signatures"]}))
    newest = max(row["at"] for row in export["signatures"])
    return f"Records {first} to {last}{about} are intact, signed by {signers}, last at {newest}."


# --- a period report -------------------------------------------------------------------------------------------------
def verify_report(path: str, report: dict[str, Any], keys: Keys) -> tuple[int, list[str]]:
    """(exit code, sentences), as for an export: the content against its hash, and that against its signature."""
    made = report.get("made") if set(report) == {"format", "content", "made"} else None
    if not isinstance(made, dict) or not all(type(made.get(one)) is str for one in ("sha256", "key", "signature")):
        raise Unreadable(f"{path} has not the content and the seal of a report.")
    sha256, where = made["sha256"], f"record {made.get('number')} of the evidence"
    if digest(report["content"]) != sha256:
        return 1, ["The content of the report has been altered: its SHA-256 is not the one that it was sealed with."]
    if not made["key"]:
        return 3, [f"The content is as its hash says, and carries no signature: ask for {where}, which holds {sha256}."]
    said = canonical({"type": REPORT_SEAL, "key": made["key"], "sha256": sha256})
    key, signature = keys.get(made["key"]), decoded_signature(made["signature"])
    if key is None or not chosen_ed25519()(key, signature, said):
        return 1, ["The signature is by none of the keys given, or what it signs has been altered."]
    return 0, [f"The report is intact, SHA-256 {sha256}, signed by {made['key']}; {where} holds it, too."]


# --- a recovery-day kit ----------------------------------------------------------------------------------------------
def read_kit(path: str) -> dict[str, bytes]:
    """Name -> content of every file in the ZIP."""
    try:
        with zipfile.ZipFile(path) as kit:
            entries = kit.infolist()
            if any(one.compress_type != zipfile.ZIP_STORED or one.flag_bits & 1 for one in entries):
                raise Unreadable(f"{path} is packed or encrypted: kits are neither.")
            if sum(one.file_size for one in entries) > LARGEST:
                raise Unreadable(f"{path} is larger than any kit.")
            if len({one.filename for one in entries}) != len(entries):
                raise Unreadable(f"{path} holds a file twice.")
            return {one.filename: kit.read(one) for one in entries}
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise Unreadable(f"{path} cannot be read as a kit: {error}") from None


def verify_kit(files: dict[str, bytes], keys: Keys) -> tuple[int, list[str]]:
    """(exit code, sentences), as for an export: every file against SHA256SUMS, and that against its signature."""
    sums = files.get(SUMS, b"")
    listed = re.findall(rb"([0-9a-f]{64})  ([!-~]+)\n", sums)
    if not listed or b"".join(b"%s  %s\n" % pair for pair in listed) != sums:
        raise Unreadable(f"The kit has no {SUMS} that can be read.")
    wanted = {name.decode(): digest.decode() for digest, name in listed}
    problems = [f"{name} is missing." for name in wanted if name not in files]
    for name, content in sorted(files.items()):
        if name not in wanted and name not in (SUMS, SIGNATURE):
            problems.append(f"{name} does not belong to the kit.")
        elif name in wanted and hashlib.sha256(content).hexdigest() != wanted[name]:
            problems.append(f"{name} has been altered.")
    ed25519, signature = chosen_ed25519(), files.get(SIGNATURE)
    signer = next((key for key, raw in keys.items() if signature and ed25519(raw, signature, sums)), "")
    if signature is not None and not signer:
        problems.append("The signature is by none of the keys given, or what it signs has been altered.")
    if problems:
        return 1, problems
    if not signer:
        return 3, [f"{len(wanted)} files are as the list says, and it carries no signature: it proves nothing yet."]
    return 0, [f"{len(wanted)} files are intact, signed by {signer}."]


def check(path: str, keys: Keys, least: int) -> tuple[int, list[str]]:
    """(exit code, sentences) of any kind of file. Raises Unreadable."""
    if zipfile.is_zipfile(path):
        return verify_kit(read_kit(path), keys)
    found = read_json(path)
    if isinstance(found, dict) and found.get("format") in REPORTS:
        return verify_report(path, found, keys)
    return verify(read_export(path), keys, least)


def main(argv: list[str]) -> int:
    """Prints the sentences; returns the exit code."""
    parser = argparse.ArgumentParser(description="Checks what Holdfast has exported.")
    parser.add_argument("export")
    parser.add_argument("keys", nargs="+", metavar="PUBLIC_KEY.pem")
    parser.add_argument("--last", type=int, default=0, metavar="NUMBER", help="least number of the last record")
    options = parser.parse_args(argv)
    try:
        code, sentences = check(options.export, dict(map(read_key, options.keys)), options.last)
    except Unreadable as error:
        code, sentences = 2, [str(error)]
    print("\n".join(sentences))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
