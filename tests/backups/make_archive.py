"""Real archives in engine-backup's real layout: dumps by pg_dump from a real PostgreSQL, packed by GNU tar with -S, an
own PKI."""

from __future__ import annotations

import datetime
import hashlib
import os
import shutil
import sqlite3
import subprocess
import tarfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import psycopg
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

NOW = datetime.datetime(2026, 11, 25, 12, 0, tzinfo=datetime.UTC)
FQDN = "olvm-engine.bank.lab"
DATABASES = ("engine", "dwh", "keycloak")
COMPRESS = {"none": None, "gzip": ["gzip", "-c"], "bzip2": ["bzip2", "-c"], "xz": ["xz", "-0", "-c"]}
TAR_FLAG = {"none": "", "gzip": "z", "bzip2": "j", "xz": "J"}
ORDER = ("sha256sum", "config", "os_version", "version", "files", "db/grafana.db", "db/keycloak_backup.db",
         "db/dwh_backup.db", "db/engine_backup.db")  # fmt: skip
ENGINE_SQL = """
create table schema_version (id serial primary key, version text, current boolean);
insert into schema_version (version, current) values ('04050300', true);
create table vdc_options (option_id serial primary key, option_name text, option_value text);
insert into vdc_options (option_name, option_value) select 'Option' || n, md5(n::text) from generate_series(1, 733) n;
create table vds_static (vds_id uuid primary key, vds_name text, comment text);
insert into vds_static values (gen_random_uuid(), 'olvm-a', E'tab\\there, backslash \\\\ there'),
  (gen_random_uuid(), 'olvm-b', '\\.');
create table vm_static (vm_guid uuid primary key, vm_name text, description text);
insert into vm_static select gen_random_uuid(), 'vm' || n, case n % 3 when 0 then null else E'line\\nline Grüße' end
  from generate_series(1, 200) n;
create table storage_domain_static (id uuid primary key, storage_name text);
insert into storage_domain_static select gen_random_uuid(), 'sd' || n from generate_series(1, 3) n;
create table audit_log (audit_log_id bigserial primary key, log_time timestamptz, message text);
insert into audit_log (log_time, message)
  select now(), md5(n::text) || md5((n + 1)::text) from generate_series(1, 6000) n;
create function logged() returns text language sql as $$ select 'COPY is only a word here' $$;
create table "Odd Name" ("A, b" int);
insert into "Odd Name" values (1);
"""
OTHER_SQL = """
create table samples (id int primary key, host uuid, load numeric);
insert into samples select n, gen_random_uuid(), random() from generate_series(1, 4000) n;
"""


@cache
def key() -> rsa.RSAPrivateKey:
    """One of few keys of this process, and short: making and checking them is slow."""
    return rsa.generate_private_key(65537, 1024)


@cache
def other_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 1024)


@cache
def ca_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 1024)


def pem(private: rsa.RSAPrivateKey) -> bytes:
    form = serialization.PrivateFormat.TraditionalOpenSSL
    return private.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def certificate(subject: str, public, issuer: str, signer, until: datetime.datetime) -> x509.Certificate:
    name = lambda text: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])  # noqa: E731
    return (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(public)
        .serial_number(4096)
        .not_valid_before(NOW - datetime.timedelta(days=400))
        .not_valid_after(until)
        .sign(signer, hashes.SHA256())
    )


def pki(ca_signs=None, days: int = 300, store_password: bytes = b"mypass") -> dict[str, bytes]:
    """The engine's PKI and configuration as they lie in `files`."""
    until = NOW + datetime.timedelta(days=days)
    authority = certificate("bank CA", ca_key().public_key(), "bank CA", ca_key(), NOW + datetime.timedelta(days=3000))
    engine = certificate(FQDN, key().public_key(), "bank CA", ca_signs or ca_key(), until)
    secret = serialization.BestAvailableEncryption(store_password)
    root, conf = "etc/pki/ovirt-engine", "etc/ovirt-engine/engine.conf.d"
    cer = engine.public_bytes(serialization.Encoding.PEM)
    return {
        f"{root}/ca.pem": authority.public_bytes(serialization.Encoding.PEM),
        f"{root}/private/ca.pem": pem(ca_key()),
        f"{root}/certs/engine.cer": b"Certificate:\n    Data:\n        Version: 3 (0x2)\n" + cer,
        f"{root}/certs/apache.cer": cer,
        f"{root}/keys/apache.key.nopass": pem(key()),
        f"{root}/keys/engine_id_rsa": pem(key()),
        f"{root}/keys/engine.p12": pkcs12.serialize_key_and_certificates(b"1", key(), engine, None, secret),
        f"{conf}/10-setup-database.conf": b'ENGINE_DB_USER="engine"\nENGINE_DB_PASSWORD="s3cret"\n',
        f"{conf}/10-setup-pki.conf": b'ENGINE_PKI_ENGINE_STORE_PASSWORD="mypass"\n',
        f"{conf}/10-setup-protocols.conf": f"ENGINE_FQDN={FQDN}\nENGINE_PROXY_ENABLED=true\n".encode(),
        "etc/ovirt-engine-setup.conf.d/20-setup-ovirt-post.conf": b"[environment:default]\n",
        "var/lib/ovirt-engine/setup-history.txt": b"4.5.5\n",
    }


class Databases:
    """Three databases of this process on the shared cluster, their dumps, and a Grafana file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = os.environ["HOLDFAST_DATABASE_URL"]
        self.names = {kind: f"holdfast_dumps_{os.getpid()}_{kind}" for kind in DATABASES}

    def make(self) -> None:
        with psycopg.connect(self.url, autocommit=True) as admin:
            for kind, name in self.names.items():
                admin.execute(f'create database "{name}"')
                with psycopg.connect(self.url, dbname=name, autocommit=True) as own:
                    own.execute(ENGINE_SQL if kind == "engine" else OTHER_SQL)
        for kind in DATABASES:
            for form in ("custom", "plain"):
                (self.folder / f"{kind}.{form}").write_bytes(self.dump(kind, form))
        grafana = sqlite3.connect(self.folder / "grafana.sqlite")
        grafana.execute("create table dashboard (id integer primary key, title text, data text)")
        grafana.executemany("insert into dashboard (title, data) values (?, ?)", [("d", "x" * 500)] * 400)
        grafana.commit()
        grafana.close()

    def dump(self, kind: str, form: str, *more: str) -> bytes:
        """pg_dump as engine-backup calls it (facts/engine-backup.md 1)."""
        bare = ["--no-owner", "--no-privileges"] if form == "plain" else []
        target = f"{self.url.split('?')[0].rsplit('/', 1)[0]}/{self.names[kind]}?{self.url.split('?')[1]}"
        argv = ["pg_dump", "-w", "-E", "UTF8", "--disable-dollar-quoting", "--disable-triggers", f"--format={form}"]
        return subprocess.run([*argv, *bare, *more, "-d", target], capture_output=True, check=True).stdout

    def drop(self) -> None:
        with psycopg.connect(self.url, autocommit=True) as admin:
            for name in self.names.values():
                admin.execute(f'drop database if exists "{name}" with (force)')


@dataclass
class Draft:
    """An archive before it is packed: change what a defect needs, then pack."""

    folder: Path
    members: dict[str, bytes] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=pki)
    form: str = "custom"
    archive_compressor: str = "gzip"
    files_compressor: str = "xz"
    dump_compressor: str = "none"
    links: dict[str, str] = field(default_factory=lambda: {"etc/pki/ovirt-engine/apache-ca.pem": "ca.pem"})
    without_list: bool = False
    keep_list: dict[str, bytes] | None = None
    name: str = "engine.backup"

    def fill(self, dumps: Path) -> Draft:
        """The members of a good archive."""
        for kind in DATABASES:
            raw = (dumps / f"{kind}.{self.form}").read_bytes()
            self.members[f"db/{kind}_backup.db"] = compressed(raw, self.dump_compressor)
        self.members["db/grafana.db"] = (dumps / "grafana.sqlite").read_bytes()
        self.members["version"], self.members["os_version"] = b"4.5.5\n", b"oracle8\n"
        word = "" if self.dump_compressor == "none" else self.dump_compressor
        rows = [f"{kind}DB_DUMP_COMPRESSOR={word}\n{kind}DB_DUMP_FORMAT={self.form}\n" for kind in
                ("", "DWH_", "KEYCLOAK_", "CINDERLIB_")]  # fmt: skip
        self.members["config"] = "".join(rows).encode()
        self.members["files"] = self.packed_files()
        return self

    def packed_files(self) -> bytes:
        """`files`: tar -cpSJ of paths without a leading slash, one of them sparse."""
        top = fresh(self.folder / "root")
        for name, content in self.files.items():
            (top / name).parent.mkdir(parents=True, exist_ok=True)
            (top / name).write_bytes(content)
        for name, target in self.links.items():
            (top / name).parent.mkdir(parents=True, exist_ok=True)
            (top / name).symlink_to(target)
        sparse = top / "var/lib/ovirt-engine/content"
        sparse.parent.mkdir(parents=True, exist_ok=True)
        with sparse.open("wb") as hole:
            for place in range(60):  # more pieces than one header holds
                hole.seek(place * 8192)
                hole.write(b"data")
            hole.truncate(200 * 8192)
        target = self.folder / "files.tar"
        flags = f"-cpS{TAR_FLAG[self.files_compressor]}f"
        subprocess.run(
            ["tar", "-C", str(top), flags, str(target), *sorted(path.name for path in top.iterdir())], check=True
        )
        return target.read_bytes()

    def listed(self) -> bytes:
        """sha256sum over all members but itself, as engine-backup writes it."""
        return "".join(f"{hashlib.sha256(raw).hexdigest()}  {name}\n" for name, raw in self.members.items()).encode()

    def pack(self) -> Path:
        """The archive, by GNU tar as engine-backup calls it, in the measured order of members."""
        listed = self.listed() if self.keep_list is None else Draft(self.folder, self.keep_list).listed()
        members = self.members if self.without_list else {"sha256sum": listed, **self.members}
        top = fresh(self.folder / "tar")
        for name, content in members.items():
            (top / name).parent.mkdir(parents=True, exist_ok=True)
            (top / name).write_bytes(content)
        target = self.folder / self.name
        flags = f"-cpS{TAR_FLAG[self.archive_compressor]}f"
        order = sorted(members, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))
        names = ["./", *(f"./{name}" for name in order if "/" not in name), "./db/"]
        names = [*names, *(f"./{name}" for name in order if "/" in name)]
        (top / "db").mkdir(exist_ok=True)
        subprocess.run(["tar", "-C", str(top), flags, str(target), "--no-recursion", *names], check=True)
        return target

    def pack_by_hand(self, *more: tarfile.TarInfo, compressor: str = "gz", form: int = tarfile.GNU_FORMAT) -> Path:
        """The archive with further members, as no tar would pack them."""
        target = self.folder / self.name
        with tarfile.open(target, f"w:{compressor}", format=form) as tar:
            for name, content in {"sha256sum": self.listed(), **self.members}.items():
                info = tarfile.TarInfo(f"./{name}")
                info.size = len(content)
                tar.addfile(info, __import__("io").BytesIO(content))
            for info in more:
                tar.addfile(info, __import__("io").BytesIO(b"x" * info.size))
        return target


def fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def compressed(raw: bytes, compressor: str) -> bytes:
    argv = COMPRESS[compressor]
    return subprocess.run(argv, input=raw, capture_output=True, check=True).stdout if argv else raw


def member(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = size, kind, target
    return info
