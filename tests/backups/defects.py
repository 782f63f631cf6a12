"""Every defect that an archive can have, made on a good one; and the good ones that must pass."""

from __future__ import annotations

import contextlib
import datetime
import gzip
import lzma
import random
import sqlite3
import tarfile
from collections.abc import Callable
from pathlib import Path

from backups.catalog.cause import Cause
from backups.catalog.causes import classify
from backups.catalog.output import read
from backups.catalog.parts import Part
from backups.catalog.rung import Expectation
from tests.backups import make_archive as make
from tests.backups.make_archive import Databases, Draft, member, other_key, pem, pki
from tests.samples_dir import TOP

PASSED = Cause("ok", "engine-backup --mode=verify passed.", "Climb.", good=True)
UNREADABLE = Cause("dump_unreadable", "pg_restore cannot read the engine dump in this archive.", "Take a new one.")
PARTS = frozenset({Part.FILES, Part.ENGINE, Part.DWH, Part.KEYCLOAK, Part.GRAFANA})
Made = tuple[Path, dict[str, object]]
DEFECTS: dict[str, Callable[[Path, Databases], Made]] = {}
GOOD: dict[str, Callable[[Path, Databases], Made]] = {}


def expectation(**changes) -> Expectation:
    """What is known of the engine the archives are of."""
    known = {"now": make.NOW, "parts": PARTS, "engine": "4.5.5", "verified": PASSED, "fqdn": make.FQDN}
    return Expectation(**(known | changes))


def verify_of(case: str) -> Cause:
    """What a captured `--mode=verify` run comes to."""
    path = TOP / "engine_backup" / case
    raw = [(path / name).read_bytes() for name in ("stdout", "stderr", "exit", "log")]
    return classify(read(raw[0], raw[1], int(raw[2]), raw[3]), PARTS)


def good(name: str):
    return lambda make_it: GOOD.setdefault(name, make_it)


def defect(name: str):
    return lambda make_it: DEFECTS.setdefault(name, make_it)


def bare_sqlite() -> bytes:
    """What sqlite3's .backup makes of a file that is not there."""
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as base:
        base.executescript("create table t (c); drop table t; vacuum;")
        return base.serialize()


def draft(folder: Path, bases: Databases, **changes) -> Draft:
    return Draft(folder, **changes).fill(bases.folder)


def _all_formats(form: str, compressor: str):
    verified = PASSED if form == "custom" else verify_of("small-size-verify-false-failure")

    @good(f"{form} dumps, everything {'un' if compressor == 'none' else ''}compressed"
          + ("" if compressor == "none" else f" with {compressor}"))  # fmt: skip
    def _(folder, bases):
        kinds = {name: compressor for name in ("archive_compressor", "files_compressor", "dump_compressor")}
        return draft(folder, bases, form=form, **kinds).pack(), {"verified": verified}


for _form in ("custom", "plain"):
    for _compressor in make.COMPRESS:
        _all_formats(_form, _compressor)


@good("engine-backup's defaults, with a trend and a recorded hash")
def _(folder, bases):
    import hashlib

    made = draft(folder, bases).pack()
    size = made.stat().st_size
    return made, {"sizes": (size, size, size), "sha256": hashlib.sha256(made.read_bytes()).hexdigest()}


@good("packed by several compressors at once (pigz, pbzip2), padded with zeros")
def _(folder, bases):
    made = draft(folder, bases, archive_compressor="none").pack()
    raw = made.read_bytes()
    made.write_bytes(gzip.compress(raw[:100_000]) + gzip.compress(raw[100_000:]) + bytes(4096))
    return made, {}


@good("of an engine without DWH, Keycloak and Grafana")
def _(folder, bases):
    one = draft(folder, bases)
    one.members = {name: raw for name, raw in one.members.items() if "dwh" not in name and "keycloak" not in name}
    del one.members["db/grafana.db"]
    return one.pack(), {"parts": frozenset({Part.FILES, Part.ENGINE})}


@good("with a file that a hook put in")
def _(folder, bases):
    one = draft(folder, bases)
    one.members["extra/answers.conf"] = b"[environment:default]\n"
    return one.pack(), {}


@good("made on another operating system")
def _(folder, bases):
    one = draft(folder, bases)
    one.members["os_version"] = b"oracle9\n"
    return one.pack(), {}


@good("in PAX format with a long name")
def _(folder, bases):
    one = draft(folder, bases)
    info = member("extra/" + "n" * 200, 3)
    info.pax_headers = {"comment": "x"}
    one.members["extra/" + "n" * 200] = b"xxx"
    return one.pack_by_hand(form=tarfile.PAX_FORMAT), {}


@good("of 4.3, which kept no os_version, for an engine 4.5")
def _(folder, bases):
    one = draft(folder, bases)
    one.members["version"] = b"4.3.10.4\n"
    del one.members["os_version"]
    return one.pack(), {}


def after_packing(name: str, spoil: Callable[[bytes], bytes], verified: Cause | None = None, **more):
    """A defect of the file as it lies there, after a good pack."""

    @defect(name)
    def _(folder, bases):
        made = draft(folder, bases).pack()
        made.write_bytes(spoil(made.read_bytes()))
        return made, {"verified": verified or verify_of("verify-truncated"), **more}


def before_hashing(name: str, spoil: Callable[[Draft], None], verified: Cause = PASSED, **more):
    """A defect that was there when the hashes were made, so they hold."""

    @defect(name)
    def _(folder, bases):
        kinds = {key: more[key] for key in ("form", "dump_compressor") if key in more}
        one = draft(folder, bases, **kinds)
        spoil(one)
        return one.pack(), {"verified": verified} | {key: more[key] for key in more if key not in kinds}


def files_with(name: str, change: Callable[[dict[str, bytes]], None], **more):
    """A defect inside of `files`."""

    def spoil(one: Draft) -> None:
        change(one.files)
        one.members["files"] = one.packed_files()

    before_hashing(name, spoil, **more)


def put(name: str, content: bytes | None) -> Callable[[Draft], None]:
    def spoil(one: Draft) -> None:
        if content is None:
            del one.members[name]
        else:
            one.members[name] = content

    return spoil


def cut(name: str, share: float = 0.5) -> Callable[[Draft], None]:
    return lambda one: one.members.update({name: one.members[name][: int(len(one.members[name]) * share)]})


def rot(name: str, at: float, count: int = 64) -> Callable[[Draft], None]:
    def spoil(one: Draft) -> None:
        raw = bytearray(one.members[name])
        place = int(len(raw) * at)
        raw[place : place + count] = bytes(255 - byte for byte in raw[place : place + count])
        one.members[name] = bytes(raw)

    return spoil


def swap(name: str, old: bytes, new: bytes) -> Callable[[Draft], None]:
    def spoil(one: Draft) -> None:
        assert old in one.members[name]
        one.members[name] = one.members[name].replace(old, new, 1)

    return spoil


@defect("file is gone")
def _(folder, bases):
    return folder / "gone.backup", {}


@defect("file was left by a run that failed")
def _(folder, bases):
    return draft(folder, bases).pack(), {"taken": verify_of("target-full")}


after_packing("zero bytes, as a failed run leaves it", lambda raw: b"", verify_of("verify-empty-file"))
after_packing("no archive at all", lambda raw: b"<html>404</html>" * 400, verify_of("verify-empty-file"))
after_packing("truncated to half", lambda raw: raw[: len(raw) // 2])
after_packing("last 10 bytes missing", lambda raw: raw[:-10], verify_of("verify-truncated-10-bytes"))
after_packing("one byte flipped in the middle", lambda raw: raw[:200_000] + bytes([raw[200_000] ^ 1]) + raw[200_001:],
              verify_of("verify-byte-flip"))  # fmt: skip
after_packing("something behind the end", lambda raw: raw + b"#!/bin/sh\n")
after_packing("another good archive under this name", lambda raw: raw, PASSED, sha256="0" * 64)
after_packing("half the usual size", lambda raw: raw, PASSED, sizes=(1_000_000, 1_000_000, 1_100_000))
after_packing("smaller than demanded", lambda raw: raw, PASSED, min_size=10_000_000)
after_packing("never verified by engine-backup", lambda raw: raw, Cause("unexplained", "It failed.", "Read."))


@defect("two runs wrote it at once")
def _(folder, bases):
    made = draft(folder, bases, archive_compressor="none").pack()
    raw = gzip.compress(made.read_bytes())
    made.write_bytes(raw[:150_000] + raw[20_000:])
    return made, {"verified": verify_of("concurrent-same-target-verify")}


def _no_databases(one: Draft) -> None:
    one.members = {name: raw for name, raw in one.members.items() if not name.startswith("db/")}


before_hashing("no database at all (setup flags lost)", _no_databases,
               verify_of("verify-on-machine-without-engine-config"))  # fmt: skip
before_hashing("DWH dump absent", put("db/dwh_backup.db", None))
before_hashing("Keycloak dump absent", put("db/keycloak_backup.db", None))
before_hashing("Grafana file absent", put("db/grafana.db", None))
before_hashing("engine dump of zero bytes", put("db/engine_backup.db", b""),
               verify_of("verify-on-machine-without-engine-config"))  # fmt: skip
before_hashing("DWH dump truncated", cut("db/dwh_backup.db"))
before_hashing("DWH dump is random bytes", put("db/dwh_backup.db", random.Random(7).randbytes(90_000)))
before_hashing(
    "DWH dump is a SQLite file", lambda one: one.members.update({"db/dwh_backup.db": one.members["db/grafana.db"]})
)
before_hashing("engine dump truncated", cut("db/engine_backup.db"))
before_hashing("engine dump truncated at its very end", cut("db/engine_backup.db", 0.999))
before_hashing("engine dump rotten in its rows", rot("db/engine_backup.db", 0.5))
before_hashing("engine dump rotten in its head", rot("db/engine_backup.db", 0.0, 8), UNREADABLE)
before_hashing("Grafana file rotten", rot("db/grafana.db", 0.5, 4096))
before_hashing("Grafana file truncated", cut("db/grafana.db"))
before_hashing("Grafana file truncated within its last page", cut("db/grafana.db", 0.995))
before_hashing("Grafana file without a table: it was gone when sqlite3 was asked", put("db/grafana.db", bare_sqlite()))
before_hashing(
    "config names the wrong format", swap("config", b"DWH_DB_DUMP_FORMAT=custom", b"DWH_DB_DUMP_FORMAT=plain")
)
before_hashing("config names the wrong compressor", swap("config", b"DB_DUMP_COMPRESSOR=", b"DB_DUMP_COMPRESSOR=xz"))
before_hashing("config absent", put("config", None))
before_hashing("compressed dump truncated", cut("db/engine_backup.db"), dump_compressor="xz")
before_hashing("compressed dump rotten", rot("db/engine_backup.db", 0.5, 2), dump_compressor="gzip")
_PLAIN = {"form": "plain", "verified": verify_of("plain-nocomp-verify-false-failure")}
before_hashing("plain dump cut inside of a table's rows", cut("db/engine_backup.db"), **_PLAIN)
before_hashing("plain dump without its end", cut("db/engine_backup.db", 0.999), **_PLAIN)
before_hashing("plain dump with NUL bytes", swap("db/engine_backup.db", b"Option5", b"Opti\0n5"), **_PLAIN)
before_hashing(
    "plain dump with bytes that are no text", swap("db/engine_backup.db", b"Option5", b"Opti\xff\xfe5"), **_PLAIN
)
before_hashing(
    "plain dump that lost a column of a row", swap("db/engine_backup.db", b"Option5\t", b"Option5"), **_PLAIN
)
before_hashing(
    "plain dump that lost a table",
    swap("db/engine_backup.db", b"COPY public.vm_static ", b"-- public.vm_static "),
    **_PLAIN,
)


def partial(name: str, *words: str):
    """A dump that pg_dump itself made, but not of everything."""

    @defect(name)
    def _(folder, bases):
        one = draft(folder, bases)
        one.members["db/engine_backup.db"] = bases.dump("engine", "custom", *words)
        return one.pack(), {}


partial("engine dump holds only vdc_options", "-t", "vdc_options")
partial("engine dump holds no rows", "--schema-only")


def relisted(name: str, change: Callable[[dict[str, bytes]], None], verified: str):
    """A change of a member whose hash line was not changed with it."""

    @defect(name)
    def _(folder, bases):
        one = draft(folder, bases)
        one.keep_list = dict(one.members)
        change(one.members)
        return one.pack(), {"verified": verify_of(verified)}


relisted(
    "member changed, its hash line not", lambda all_: all_.update(os_version=b"oracle7\n"), "verify-member-changed"
)
relisted("member absent, still listed", lambda all_: all_.pop("db/dwh_backup.db"), "verify-member-missing")
relisted("member that the list does not name", lambda all_: all_.update(extra=b"x"), "ok-verify")


@defect("member changed together with its hash line")
def _(folder, bases):
    one = draft(folder, bases)
    rot("db/keycloak_backup.db", 0.6, 1)(one)
    return one.pack(), {}


@defect("no list of hashes")
def _(folder, bases):
    one = draft(folder, bases)
    one.without_list = True
    return one.pack(), {"verified": verify_of("verify-no-hash-file")}


_ROOT = "etc/pki/ovirt-engine"


def _no_pki(files: dict[str, bytes]) -> None:
    for name in [name for name in files if name.startswith("etc/pki/")]:
        del files[name]


files_with("PKI missing", _no_pki)
files_with("CA key missing", lambda files: files.pop(f"{_ROOT}/private/ca.pem"))
files_with("CA key of zero bytes", lambda files: files.update({f"{_ROOT}/private/ca.pem": b""}))
files_with("CA key is not the CA's", lambda files: files.update({f"{_ROOT}/private/ca.pem": pem(other_key())}))
files_with(
    "CA certificate unreadable", lambda files: files.update({f"{_ROOT}/ca.pem": b"-----BEGIN CERTIFICATE-----\nAAAA\n"})
)
files_with(
    "engine key is not the certificate's", lambda files: files.update({f"{_ROOT}/keys/engine_id_rsa": pem(other_key())})
)
files_with("engine certificate not signed by the CA", lambda files: files.update(pki(ca_signs=other_key())))
files_with("engine certificate expired", lambda files: files.update(pki(days=-3)))
files_with("engine key store with another password", lambda files: files.update(pki(store_password=b"other")))
files_with(
    "database settings missing", lambda files: files.pop("etc/ovirt-engine/engine.conf.d/10-setup-database.conf")
)
files_with("archive of another engine", lambda files: files.update(
    {"etc/ovirt-engine/engine.conf.d/10-setup-protocols.conf": b"ENGINE_FQDN=other.bank.lab\n"}))  # fmt: skip
before_hashing("files truncated", cut("files"))
before_hashing("files of zero bytes", put("files", b""))
before_hashing("files is no tar", put("files", lzma.compress(b"hello" * 4000)))

before_hashing("made by a newer engine", put("version", b"4.5.6\n"), verify_of("verify-newer-archive"))
before_hashing("made by an engine too old to restore", put("version", b"4.3.9\n"))
before_hashing("version absent", put("version", None))
before_hashing("version is no version", put("version", b"latest\n"))
before_hashing("engine certificate ended since", lambda one: None, now=make.NOW + datetime.timedelta(days=301))
