"""The engine VM's own files: what engine-setup leaves on an engine, made below one folder of the lab
(facts/engine-backup.md 1, 4)."""

from __future__ import annotations

import random
import sqlite3
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

from lab import wiring
from lab.backup import pki
from lab.backup.cluster import OWNERS
from lab.world import World, uid

CONF = "etc/ovirt-engine/engine.conf.d"
DATABASE, DWH, KEYCLOAK = (
    f"{CONF}/10-setup-database.conf", f"{CONF}/10-setup-dwh-database.conf", f"{CONF}/12-setup-keycloak.conf"
)  # fmt: skip
FLAGS = "etc/ovirt-engine-setup.conf.d/20-setup-ovirt-post.conf"
KEY = f"{pki.ROOT}/keys/engine_id_rsa"
BACKUPS, LOGS, GRAFANA = "var/lib/ovirt-engine-backup", "var/log/ovirt-engine-backup", "var/lib/grafana/grafana.db"
FOLDERS = (
    "tmp", "var/tmp", "root", "home", "mnt", BACKUPS, LOGS, "var/lib/ovirt-engine/backups",
    "var/lib/ovirt-engine/jboss_runtime", "var/log/ovirt-engine/setup", "etc/ovirt-engine-backup",
)  # fmt: skip
SECRET = ("conf.d/1", "/keys/", "/private/", "20-setup-ovirt-post.conf")
DISK = 61 << 30  # bytes of the VM's only disk, as the deployment makes it
_CONTENT_KIB = 96  # of /var/lib/ovirt-engine/content: what no compressor makes smaller


def make(root: Path, world: World, passwords: Mapping[str, str], authority: Path) -> None:
    """Makes what is absent; what an earlier lab left there stays, as a reboot would leave it."""
    for name in FOLDERS:
        (root / name).mkdir(parents=True, exist_ok=True)
    for name in (BACKUPS, LOGS):
        (root / name).chmod(0o750)
    for name in ("tmp", "var/tmp"):
        (root / name).chmod(0o1777)
    (root / "root").chmod(0o700)
    fresh = not (root / pki.ROOT / "ca.pem").exists()
    for name, content in _all(world, passwords, authority if fresh else None):
        if not (root / name).exists():
            write(root / name, content)
    if not (root / GRAFANA).exists():
        _grafana(root / GRAFANA)


def write(path: Path, content: bytes) -> None:
    """Writes one file; configuration with passwords and keys are their owner's alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o640 if any(word in str(path) for word in SECRET) else 0o644)
    path.write_bytes(content)


def _all(world: World, passwords: Mapping[str, str], authority: Path | None) -> Iterator[tuple[str, bytes]]:
    if authority is not None:
        yield from pki.make(authority, world).items()
    for kind, name in (("ENGINE", DATABASE), ("DWH", DWH), ("KEYCLOAK", KEYCLOAK)):
        yield name, database_conf(kind, passwords[kind])
    yield "etc/ovirt-engine-dwh/ovirt-engine-dwhd.conf.d/10-setup-database.conf", database_conf("DWH", passwords["DWH"])
    yield f"{CONF}/10-setup-protocols.conf", _protocols(world)
    yield f"{CONF}/10-setup-pki.conf", _pki_conf()
    yield FLAGS, flags(world)
    yield from _around(world)


def database_conf(kind: str, password: str) -> bytes:
    """The settings of one database, which engine-backup sources as shell."""
    name = OWNERS[kind]
    values = {
        "HOST": "localhost", "PORT": "5432", "USER": name, "PASSWORD": password, "DATABASE": name, "SECURED": "False",
        "SECURED_VALIDATION": "False", "DRIVER": "org.postgresql.Driver",
    }  # fmt: skip
    return "".join(f'{kind}_DB_{word}="{value}"\n' for word, value in values.items()).encode()


def flags(world: World) -> bytes:
    """What engine-setup remembers: which of its parts this machine has."""
    on = ("OVESETUP_ENGINE_CORE/enable", "OVESETUP_DWH_CORE/enable", "OVESETUP_CONFIG/keycloakEnable",
          "OVESETUP_GRAFANA_CORE/enable")  # fmt: skip
    lines = ["# action=setup", "[environment:default]", *(f"{name}=bool:True" for name in on)]
    lines += ["OVESETUP_CL_DB/enable=none:None", "OVESETUP_DWH_PROVISIONING/postgresProvisioningEnabled=bool:True"]
    lines += [f"OVESETUP_CONFIG/fqdn=str:{world.engine_fqdn}", "OVESETUP_APACHE/configured=bool:True"]
    return "".join(line + "\n" for line in lines).encode()


def _protocols(world: World) -> bytes:
    lines = ["ENGINE_FQDN=" + world.engine_fqdn, "ENGINE_PROXY_ENABLED=true", "ENGINE_PROXY_HTTP_PORT=80",
             "ENGINE_PROXY_HTTPS_PORT=443", "ENGINE_AJP_ENABLED=true", "ENGINE_AJP_PORT=8702"]  # fmt: skip
    return "".join(line + "\n" for line in lines).encode()


def _pki_conf() -> bytes:
    place = f"/{pki.ROOT}"
    lines = [f'ENGINE_PKI="{place}"', f'ENGINE_PKI_CA="{place}/ca.pem"',
             f'ENGINE_PKI_ENGINE_CERT="{place}/certs/engine.cer"', f'ENGINE_PKI_ENGINE_STORE="{place}/keys/engine.p12"',
             f'ENGINE_PKI_ENGINE_STORE_PASSWORD="{pki.STORE_PASSWORD.decode()}"']  # fmt: skip
    return "".join(line + "\n" for line in lines).encode()


def _around(world: World) -> Iterator[tuple[str, bytes]]:
    """The rest: system files, web server, history, content."""
    yield (
        "etc/os-release",
        (
            b'NAME="Oracle Linux Server"\nVERSION="8.10"\nID="ol"\nID_LIKE="fedora"\nVERSION_ID="8.10"\n'
            b'PLATFORM_ID="platform:el8"\nPRETTY_NAME="Oracle Linux Server 8.10"\n'
        ),
    )
    yield "etc/oracle-release", b"Oracle Linux Server release 8.10\n"
    yield "etc/hostname", f"{world.engine_fqdn}\n".encode()
    yield "etc/machine-id", uuid.UUID(uid("machine", "engine")).hex.encode() + b"\n"
    yield "etc/resolv.conf", "".join(f"nameserver {one}\n" for one in wiring.DNS).encode()
    yield "sys/block/vda/size", f"{DISK // 512}\n".encode()
    yield "etc/ovirt-engine-setup.conf", b"[environment:default]\n"
    yield "etc/ovirt-provider-ovn/logger.conf", b"[loggers]\nkeys=root\n"
    yield "etc/ovirt-provider-ovn/conf.d/10-setup-ovirt-provider-ovn.conf", b"[PROVIDER]\nprovider-host=localhost\n"
    yield "etc/ovirt-vmconsole/ovirt-vmconsole-proxy/conf.d/10-setup.conf", b"[proxy]\n"
    yield "etc/pki/ovirt-vmconsole/ca.pub", b"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ== ovirt-vmconsole\n"
    for name in ("ssl", "z-ovirt-engine-proxy", "ovirt-engine-root-redirect", "z-ovirt-engine-keycloak-proxy"):
        yield f"etc/httpd/conf.d/{name}.conf", f"# {name} of the lab's engine\n".encode()
    yield "etc/dnf/plugins/versionlock.list", b"ovirt-engine-0:4.5.5-1.73.el8.*\n"
    yield "etc/grafana/grafana.ini", b"[database]\ntype = sqlite3\n"
    yield "var/lib/ovirt-engine/setup-history.txt", b"2026-02-11 09:12:44 setup 4.5.5-1.73.el8\n"
    yield "var/lib/ovirt-engine/content/firmware.bin", random.Random(4055).randbytes(_CONTENT_KIB * 1024)


def _grafana(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(path) as link:
        link.execute("create table dashboard (id integer primary key, title text, data text)")
        rows = [(f"Hosts {number}", f"{{'panels': [{number}]}}" * 40) for number in range(60)]
        link.executemany("insert into dashboard (title, data) values (?, ?)", rows)
    link.close()
    path.chmod(0o640)
