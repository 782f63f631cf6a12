"""What is asked of each host and of the engine VM: read-only, one collector script each (portal.kernel.collector).

Passwords are masked on the host already, so that they never travel; backups.kit.conf masks again."""

from __future__ import annotations

from collections.abc import Mapping

from portal.kernel.command import Command

HE_CONF = "/etc/ovirt-hosted-engine/hosted-engine.conf"
ANSWERS = "/etc/ovirt-hosted-engine/answers.conf"
SAVED = "/var/lib/ovirt-hosted-engine-setup/answers"

HOST_PACKAGES = (
    "ovirt-engine-appliance",
    "ovirt-hosted-engine-setup",
    "ovirt-hosted-engine-ha",
    "ovirt-ansible-collection",
    "vdsm",
    "ovirt-host",
    "libvirt-daemon",
    "sanlock",
)
ENGINE_PACKAGES = (
    "ovirt-engine",
    "ovirt-engine-dwh",
    "ovirt-engine-keycloak",
    "ovirt-engine-tools-backup",
    "ovirt-engine-setup",
    "postgresql-server",
    "ansible-core",
)
_FORMAT = r"%{NAME} %{VERSION}-%{RELEASE}\n"

# The expression is one word of the key's spelling; GNU sed and busybox know -E. The value goes, its otopi type stays.
_WORD = (
    "[Pp][Aa][Ss][Ss]([Ww]|[Pp][Hh][Rr])|[Pp][Ww][Dd]|[Ss][Ee][Cc][Rr][Ee][Tt]|[Tt][Oo][Kk][Ee][Nn]|[Cc]redential"
    "|[Pp][Rr][Ii][Vv][Aa][Tt][Ee].?[Kk][Ee][Yy]"
)
_MASK = f"s/^([^=:]*({_WORD})[^=:]*[=:][[:space:]]*)((multi-)?str:)?[^[:space:]].*$/\\1\\4***/"
_MASKED = 'c=$(cat -- "$1") || exit; printf "%s\\n" "$c" | sed -E -e "$2"'
# Every older answer file under its own name; a host without the folder has none.
_ALL_MASKED = (
    'cd -- "$1" 2>/dev/null || exit 0; for f in *; do [ -f "$f" ] || continue; '
    'printf "@@ %s\\n" "$f"; c=$(cat -- "$f") || exit; printf "%s\\n" "$c" | sed -E -e "$2"; done'
)


def masked(path: str) -> Command:
    """Prints a file with *** for its secrets; exits as cat does when there is none."""
    return Command(("sh", "-c", _MASKED, "sh", path, _MASK), timeout=10, cap=400_000, root=True)


def _packages(names: tuple[str, ...]) -> Command:
    return Command(("rpm", "-q", "--qf", _FORMAT, *names), timeout=20, cap=100_000)


_MACHINE: Mapping[str, Command] = {
    "release": Command(("cat", "/etc/os-release"), timeout=5, cap=100_000),
    "kernel": Command(("uname", "-r"), timeout=5, cap=10_000),
    "addresses": Command(("ip", "-d", "-j", "address", "show"), timeout=10, cap=1_000_000),
    "routes": Command(("ip", "-j", "route", "show", "default"), timeout=10, cap=200_000),
}

HOST: Mapping[str, Command] = {
    "packages": _packages(HOST_PACKAGES),
    # The package's own version says 4.5 and a day; which engine is inside stands in its list of packages.
    "appliance": Command(
        ("grep", "-rhE", "^ovirt-engine-[0-9]", "/usr/share/doc/ovirt-engine-appliance"), timeout=10, cap=100_000
    ),
    **_MACHINE,
    "fqdn": Command(("hostname", "-f"), timeout=10, cap=10_000),
    # vdsm takes its own file first, then the machine's UUID
    "unique_id": Command(
        ("sh", "-c", "cat /etc/vdsm/vdsm.id 2>/dev/null || cat /sys/class/dmi/id/product_uuid"),
        timeout=5,
        cap=10_000,
        root=True,
    ),
    "ports": Command(("sh", "-c", "grep -sH . /sys/class/fc_host/host*/port_name"), timeout=5, cap=100_000),
    "he_conf": masked(HE_CONF),
    "answers": masked(ANSWERS),
    "saved": Command(("sh", "-c", _ALL_MASKED, "sh", SAVED, _MASK), timeout=10, cap=1_000_000, root=True),
}

ENGINE: Mapping[str, Command] = {
    "packages": _packages(ENGINE_PACKAGES),
    **_MACHINE,
    "fqdn": Command(
        ("sh", "-c", "grep -sh '^ENGINE_FQDN=' /etc/ovirt-engine/engine.conf.d/*.conf"),
        timeout=5,
        cap=10_000,
        root=True,
    ),
    "dns": Command(("cat", "/etc/resolv.conf"), timeout=5, cap=100_000),
    "time_zone": Command(
        ("sh", "-c", "timedatectl show -p Timezone 2>/dev/null || readlink /etc/localtime"), timeout=10, cap=10_000
    ),
    "vcpus": Command(("nproc",), timeout=5, cap=10_000),
    "memory": Command(("cat", "/proc/meminfo"), timeout=5, cap=100_000),
    "disks": Command(("sh", "-c", "grep -sH . /sys/block/*/size"), timeout=5, cap=100_000),
    "ca": Command(
        ("openssl", "x509", "-noout", "-enddate", "-in", "/etc/pki/ovirt-engine/ca.pem"), timeout=10, cap=10_000
    ),
    "setup": Command(
        ("sh", "-c", "grep -shE '^OVESETUP_CONFIG/keycloakEnable=' /etc/ovirt-engine-setup.conf.d/*.conf"),
        timeout=5,
        cap=10_000,
        root=True,
    ),
}
