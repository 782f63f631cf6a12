"""What the commands of backups.kit.commands printed, read part by part. A part that cannot be read stays unknown, and
its reason stands in the block's `source.why`; nothing is guessed.

Every reader: Output in, value out; raises ParseError with one sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from backups.kit import commands
from backups.kit.conf import conf_file, values
from backups.kit.content import ConfFile, EngineVm, Host, Nic, Package, Source
from backups.kit.reading_network import default_gateway, interfaces, main_interface
from backups.kit.words import plain
from portal.kernel.output import Output, ParseError

T = TypeVar("T")
D = TypeVar("D")

_PACKAGE = re.compile(r"^([A-Za-z0-9][\w.+-]*) ([\w.+~^:-]+)$", re.MULTILINE)
_ABSENT = re.compile(r"^package \S+ is not installed$", re.MULTILINE)
_NAME = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?$")
_ZONE = re.compile(r"(?:Timezone=|Time zone:\s*|.*/zoneinfo/)?([A-Za-z][\w+-]*(?:/[\w+-]+){0,2})(?:\s.*)?$")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def text_of(output: Output, what: str, any_code: tuple[int, ...] = ()) -> str:
    """stdout of a command that ended well. Raises ParseError for a timeout, a missing program, another exit code."""
    if output.timed_out:
        raise ParseError(f"{what} was not answered within its time.")
    if output.exit_code is None:
        raise ParseError(f"{what}: the answer did not come whole.")
    if output.exit_code != 0 and output.exit_code not in any_code:
        why = plain(output.error_line()) or f"exit code {output.exit_code}"
        raise ParseError(f"{what} cannot be read: {why.rstrip('.')}.")
    return output.text()


def packages(output: Output) -> tuple[Package, ...]:
    """`rpm -q --qf`: rpm exits with the number of packages that are not installed, so its lines count. Raises
    ParseError when no line speaks of a package."""
    text = text_of(output, "The list of packages", any_code=tuple(range(1, 64)))
    found = tuple(Package(name, version) for name, version in _PACKAGE.findall(text))
    if not found and not _ABSENT.search(text):
        raise ParseError("rpm named no package.")
    return found


def release(output: Output) -> str:
    """PRETTY_NAME of os-release."""
    text = text_of(output, "The release")
    if not (match := re.search(r'^PRETTY_NAME=["\']?([^"\'\n]+)["\']?\s*$', text, re.MULTILINE)):
        raise ParseError("/etc/os-release has no PRETTY_NAME.")
    return plain(match[1])


def one_line(output: Output, what: str) -> str:
    """The only line of an answer."""
    lines = [line for line in text_of(output, what).splitlines() if line.strip()]
    if len(lines) != 1:
        raise ParseError(f"{what} has {len(lines)} lines where one belongs.")
    return plain(lines[0])


def name(output: Output, what: str) -> str:
    """A host name. ENGINE_FQDN="engine.bank.example" may come more than once; the last one counts, as in the shell."""
    lines = [line.strip() for line in text_of(output, what).splitlines() if line.strip()]
    word = lines[-1].removeprefix("ENGINE_FQDN=").strip("\"'") if lines else ""
    if not _NAME.fullmatch(word):
        raise ParseError(f"{what} is no host name.")
    return word


def unique_id(output: Output) -> str:
    """vds_unique_id: a UUID, or a UUID with a MAC behind it, as old vdsm wrote it."""
    word = one_line(output, "The hardware UUID")
    if not re.fullmatch(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?:_[0-9A-Fa-f:]{17})?", word):
        raise ParseError("The hardware UUID is no UUID.")
    return word.lower()


def wwpns(output: Output) -> tuple[str, ...]:
    """port_name of every fc_host, as 16 hex digits, in order. grep exits 1 or 2 on a host without FC ports: ()."""
    text = text_of(output, "The FC ports", any_code=(1, 2))
    return tuple(dict.fromkeys(re.findall(r"^(?:\S+:)?0x([0-9a-f]{16})\s*$", text, re.MULTILINE)))


def appliance_engine(output: Output) -> str:
    """The engine's version in the appliance's list of packages ("ovirt-engine-4.5.5-1.el8.noarch"). "" without one."""
    text = text_of(output, "The appliance's list of packages", any_code=(1, 2))
    found = re.findall(r"^ovirt-engine-(\d+\.\d+\.\d+(?:\.\d+)?)-\S+$", text, re.MULTILINE)
    return found[0] if len(set(found)) == 1 else ""


def dns(output: Output) -> tuple[str, ...]:
    """nameserver lines, in order; a later comment on a line is not part of the address."""
    found = re.findall(
        r"^\s*nameserver\s+([0-9A-Fa-f:.]+)(?:%\S+)?\s*(?:[#;].*)?$", text_of(output, "The DNS servers"), re.M
    )
    return tuple(dict.fromkeys(found))


def time_zone(output: Output) -> str:
    """An IANA name, from `timedatectl`, `timedatectl show` or the link at /etc/localtime."""
    for line in text_of(output, "The time zone").splitlines():
        if ("one" in line or "/zoneinfo/" in line) and (match := _ZONE.fullmatch(line.strip())):
            return match[1]
    raise ParseError("The time zone is not named.")


def whole(output: Output, what: str) -> int:
    """One whole number above 0."""
    word = one_line(output, what)
    if not re.fullmatch(r"[1-9][0-9]{0,8}", word):
        raise ParseError(f"{what} is no number.")
    return int(word)


def memory(output: Output) -> int:
    """MemTotal in bytes: what the kernel sees, a little less than the VM was given."""
    if not (match := re.search(r"^MemTotal:\s+(\d{1,15}) kB$", text_of(output, "The memory"), re.MULTILINE)):
        raise ParseError("/proc/meminfo has no MemTotal.")
    return int(match[1]) * 1024


def disk(output: Output) -> int:
    """The largest disk in bytes; /sys/block counts sectors of 512. CD drives, loops and RAM disks do not count."""
    found = re.findall(r"^/sys/block/(?:vd|sd|xvd|nvme)\w+/size:(\d{1,15})$", text_of(output, "The disks", (2,)), re.M)
    if not any(int(sectors) for sectors in found):
        raise ParseError("The VM shows no disk.")
    return max(int(sectors) for sectors in found) * 512


def expiry(output: Output) -> int:
    """`openssl x509 -enddate`: notAfter=Nov 20 09:00:00 2036 GMT, as Unix seconds."""
    word = one_line(output, "The CA's end")
    match = re.fullmatch(r"notAfter=([A-Z][a-z]{2})\s+(\d{1,2}) (\d\d):(\d\d):(\d\d) (\d{4}) GMT", word)
    try:
        if match is None:
            raise ValueError
        day, hour, minute, second = (int(match[place]) for place in range(2, 6))
        month = _MONTHS.index(match[1]) + 1
        return int(datetime(int(match[6]), month, day, hour, minute, second, tzinfo=UTC).timestamp())
    except ValueError:
        raise ParseError("The CA's end is no date.") from None


def keycloak(output: Output) -> bool:
    """OVESETUP_CONFIG/keycloakEnable; an engine that was never asked has no such line and no Keycloak."""
    text = text_of(output, "The setup's answers", any_code=(1, 2))
    return bool(re.search(r"=bool:True\s*$", text, re.MULTILINE))


def conf(path: str, output: Output) -> ConfFile | None:
    """A masked file; None when the host has none."""
    if output.exit_code not in (0, None) and "No such file" in output.stderr.decode("utf-8", "replace"):
        return None
    text_of(output, path)
    return conf_file(path, output.stdout)


def saved(output: Output) -> tuple[ConfFile, ...]:
    """Older answer files. Each begins with "@@ name"."""
    text = text_of(output, commands.SAVED)
    parts = re.split(r"^@@ (.*)$", text, flags=re.MULTILINE)[1:]
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return tuple(conf_file(f"{commands.SAVED}/{plain(title)}", body.lstrip("\n").encode()) for title, body in pairs)


@dataclass
class _Reader:
    """Reads one part after the other and keeps what could not be read."""

    outputs: Mapping[str, Output]
    at: int
    by: str
    why: list[str] = field(default_factory=list)

    def part(self, section: str, read: Callable[[Output], T], otherwise: D) -> T | D:
        """The value of a section, or `otherwise`, which means "not known"."""
        output = self.outputs.get(section)
        if output is None:
            self.why.append(f"{section} was not asked.")
            return otherwise
        try:
            return read(output)
        except ParseError as error:
            self.why.append(plain(str(error)))
            return otherwise

    def source(self) -> Source:
        """Never collected when not one part could be read."""
        return Source(self.at if len(self.why) < len(self.outputs) else None, self.by, tuple(self.why))


def host(host_name: str, outputs: Mapping[str, Output], at: int) -> Host:
    """What commands.HOST brought from a host. at: Unix seconds. Address, role, cluster and BMC are the engine's or a
    person's to tell: dataclasses.replace them in."""
    read = _Reader(outputs, at, f"{host_name} over SSH")
    missing = object()
    he_conf = read.part("he_conf", lambda output: conf(commands.HE_CONF, output), missing)
    answers = read.part("answers", lambda output: conf(commands.ANSWERS, output), missing)
    return Host(
        name=host_name,
        packages=read.part("packages", packages, ()),
        appliance_engine=read.part("appliance", appliance_engine, ""),
        release=read.part("release", release, ""),
        kernel=read.part("kernel", lambda output: one_line(output, "The kernel"), ""),
        nics=read.part("addresses", interfaces, ()),
        gateway=read.part("routes", default_gateway, ""),
        fqdn=read.part("fqdn", lambda output: name(output, "The FQDN"), ""),
        unique_id=read.part("unique_id", unique_id, ""),
        wwpns=read.part("ports", wwpns, ()),
        conf_read=missing not in (he_conf, answers),
        he_conf=he_conf if isinstance(he_conf, ConfFile) else None,
        answers=answers if isinstance(answers, ConfFile) else None,
        saved=read.part("saved", saved, ()),
        he_host_id=_host_id(he_conf),
        source=read.source(),
    )


def _host_id(he_conf: object) -> int | None:
    word = values(he_conf.text).get("host_id", "") if isinstance(he_conf, ConfFile) else ""
    return int(word) if re.fullmatch(r"[1-9][0-9]{0,3}", word) else None


def engine(outputs: Mapping[str, Output], at: int) -> EngineVm:
    """What commands.ENGINE brought from the engine VM. VLAN, bridge, cluster and custody come from elsewhere."""
    read = _Reader(outputs, at, "the engine VM over SSH")
    installed: tuple[Package, ...] = read.part("packages", packages, ())
    nics: tuple[Nic, ...] = read.part("addresses", interfaces, ())
    gateway = read.part("routes", default_gateway, "")
    main = main_interface(nics, gateway)
    address, _, prefix = main.addresses[0].partition("/") if main and main.addresses else ("", "", "")
    return EngineVm(
        fqdn=read.part("fqdn", lambda output: name(output, "The engine's FQDN"), ""),
        version=next((one.version for one in installed if one.name == "ovirt-engine"), ""),
        packages=installed,
        release=read.part("release", release, ""),
        kernel=read.part("kernel", lambda output: one_line(output, "The kernel"), ""),
        address=address,
        prefix=int(prefix) if prefix else None,
        gateway=gateway,
        mac=main.mac if main else "",
        dns=read.part("dns", dns, ()),
        vcpus=read.part("vcpus", lambda output: whole(output, "The number of CPUs"), None),
        memory=read.part("memory", memory, None),
        disk=read.part("disks", disk, None),
        time_zone=read.part("time_zone", time_zone, ""),
        ca_expires=read.part("ca", expiry, None),
        keycloak=read.part("setup", keycloak, None),
        source=read.source(),
    )


def told_by_answers(answers: ConfFile | None) -> Mapping[str, str]:
    """What the first deployment was told about the engine VM, by EngineVm's field names: for the parts that no longer
    can be read. answers.conf names a data centre that need not be the real one (its writer has a constant there), so
    that is not taken."""
    if answers is None:
        return {}
    found = values(answers.text)
    return {field_: found[key] for field_, key in _TOLD.items() if found.get(key)}


_TOLD = {
    "fqdn": "OVEHOSTED_NETWORK/fqdn",
    "gateway": "OVEHOSTED_NETWORK/gateway",
    "bridge": "OVEHOSTED_NETWORK/bridgeName",
    "cluster": "OVEHOSTED_ENGINE/clusterName",
    "mac": "OVEHOSTED_VM/vmMACAddr",
    "time_zone": "OVEHOSTED_VM/cloudinitVMTZ",
    "address": "OVEHOSTED_VM/cloudinitVMStaticCIDR",
    "dns": "OVEHOSTED_VM/cloudinitVMDNS",
    "smtp": "OVEHOSTED_NOTIF/smtpServer",
}
