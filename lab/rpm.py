"""The packages of the lab's machines, and rpm's questions about them."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping

from lab import world as estate
from lab.command import Reply
from lab.world import Host, World

Packages = Mapping[str, tuple[str, str, str]]  # name -> version, release, architecture
ENGINE = {
    "ovirt-engine": ("4.5.5", "1.73.el8", "noarch"),
    "ovirt-engine-tools-backup": ("4.5.5", "1.73.el8", "noarch"),
    "ovirt-engine-setup": ("4.5.5", "1.73.el8", "noarch"),
    "ovirt-engine-backend": ("4.5.5", "1.73.el8", "noarch"),
    "ovirt-engine-dwh": ("4.5.7", "1.el8", "noarch"),
    "ovirt-engine-keycloak": ("15.0.2", "6.el8", "noarch"),
    "ovirt-engine-extension-aaa-jdbc": ("1.3.0", "1.el8", "noarch"),
    "postgresql": ("12.18", "1.module+el8.9.0", "x86_64"),
    "postgresql-server": ("12.18", "1.module+el8.9.0", "x86_64"),
    "postgresql-contrib": ("12.18", "1.module+el8.9.0", "x86_64"),
    "grafana": ("9.2.10", "16.el8", "x86_64"),
    "openssh-server": ("8.0p1", "19.el8_8", "x86_64"),
}
KVM = {
    "vdsm": ("4.50.5.1", "1.el8", "x86_64"),
    "device-mapper-multipath": ("0.8.4", "39.0.2.el8_9.2", "x86_64"),
    "qemu-kvm": ("7.2.0", "7.el8", "x86_64"),
    "libvirt": ("9.0.0", "5.el8", "x86_64"),
    "sanlock": ("3.8.4", "5.el8", "x86_64"),
    "kernel-uek": ("5.15.0", "206.153.7.el8uek", "x86_64"),
}
HOSTED_ENGINE = {
    "ovirt-hosted-engine-ha": ("2.5.1", "1.el8", "noarch"),
    "ovirt-hosted-engine-setup": ("2.7.1", "1.el8", "noarch"),
    "ovirt-engine-appliance": ("4.5", "20240101091500.1.el8", "x86_64"),
    "ovirt-ansible-collection": ("3.2.0", "1.el8", "noarch"),
}
APPLIANCE_LIST = "/usr/share/doc/ovirt-engine-appliance/ovirt-engine-appliance-manifest-rpm"
_FIELD = re.compile(r"%\{(\w+)\}")


def appliance_list() -> str:
    """The list of packages inside the appliance, one a line: its engine is the estate's."""
    return "".join(f"{name}-{version}-{release}.{arch}\n" for name, (version, release, arch) in sorted(ENGINE.items()))


def packages(host: Host) -> Packages:
    """What is installed on one machine."""
    if host.name == estate.ENGINE:
        return ENGINE
    return KVM if host.he_host_id is None else {**KVM, **HOSTED_ENGINE}


def rpm(world: World, host: Host, argv: list[str]) -> Reply:
    """`rpm -q[a] [--qf FORMAT] NAME...`; the exit code counts what is not installed."""
    installed = packages(host)
    form, names, every = "%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}\\n", [], False
    words = iter(argv[1:])
    for word in words:
        if word in ("--qf", "--queryformat"):
            form = next(words, "")
        elif word.startswith(("--qf=", "--queryformat=")):
            form = word.split("=", 1)[1]
        elif word.startswith("-"):
            every = every or (not word.startswith("--") and "a" in word) or word == "--all"
        else:
            names.append(word)
    if every:
        names = [n for n in sorted(installed) if not names or any(fnmatch.fnmatch(n, mark) for mark in names)]
    lines = [_package(installed, name, form) for name in names]
    return Reply(out="".join(lines), rc=sum(name not in installed for name in names))


def _package(installed: Packages, name: str, form: str) -> str:
    if name not in installed:
        return f"package {name} is not installed\n"
    version, release, arch = installed[name]
    known = {"NAME": name, "VERSION": version, "RELEASE": release, "ARCH": arch, "EPOCH": "(none)"}
    return _FIELD.sub(lambda found: known.get(found[1].upper(), "(none)"), form).replace("\\n", "\n")
