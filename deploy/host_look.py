"""`./holdfast test host`: runs every host probe against one reachable machine, reads only, and prints what it found.

The host key is pinned as everywhere: from known_hosts, or named with --host-key or --fingerprint; it is never accepted
on first use. Nothing is stored, and no database is needed."""

from __future__ import annotations

import argparse
import getpass
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from inventory.probes import PROBES
from inventory.tuning import compliance
from inventory.tuning import probe as tuning
from inventory.tuning.facts import Instance, TuningDeclared
from inventory.tuning.row import Row
from portal.connectors.ssh import Address, Pool, fingerprint, shown_key
from portal.kernel import facts as facts_json
from portal.kernel.command import Command
from portal.kernel.finding import Finding
from portal.kernel.output import LookFailed, Output, ParseError
from portal.kernel.probe import Declared
from portal.kernel.secret import Secret

TOOLS = "tools"
TOOL_COMMANDS = {
    TOOLS: Command(("sh", "-c", "command -v multipathd; command -v dmsetup; command -v hosted-engine; true"), 5)
}
LUN_PROBES = {
    "multipath",
    "multipath_text",
    "multipath_config",
    "lun_devices",
    "lun_identity",
    "lun_latency",
    "fc_ports",
}
HE_PROBES = {"she_status", "ha_state"}
_SGA = re.compile(r"(?P<name>[\w+]+)=(?P<size>\d{1,6})(?P<unit>[MGT])")
_TARGET = re.compile(r"(?:(?P<user>[^@\s]+)@)?(?P<host>\[[0-9a-fA-F:]+\]|[^:\s]+)(?::(?P<port>\d{1,5}))?")


def options(words: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="./holdfast test host", description=__doc__)
    parser.add_argument("--ssh", required=True, help="user@address[:port]")
    parser.add_argument(
        "--key", type=Path, default=Path.home() / ".ssh" / "id_ed25519", help="private key, unencrypted"
    )
    parser.add_argument("--host-key", default="", help="the host's public key line")
    parser.add_argument("--fingerprint", default="", help="SHA256:... of the host's key, as its console shows it")
    parser.add_argument("--known-hosts", type=Path, default=Path.home() / ".ssh" / "known_hosts")
    parser.add_argument(
        "--sga", action="append", default=[], help="an Oracle instance and its SGA_MAX_SIZE: ORCL1=150G"
    )
    parser.add_argument("--again", type=float, default=0.0, help="look once more after so many seconds, and compare")
    return parser.parse_args(words)


def instances(words: list[str]) -> tuple[Instance, ...]:
    """ORCL1=150G in, bytes out. Raises SystemExit for anything else."""
    found = []
    for word in words:
        match = _SGA.fullmatch(word)
        if match is None:
            sys.exit(f"--sga {word}: NAME=SIZE with M, G or T is wanted, such as ORCL1=150G.")
        found.append(Instance(match["name"], int(match["size"]) * 1024 ** ("KMGT".index(match["unit"]) + 1)))
    return tuple(found)


def pinned(host: str, port: int, given: argparse.Namespace) -> str:
    """The host's public key line that a person vouches for. Raises SystemExit with what to do when there is none."""
    if given.host_key:
        return str(given.host_key)
    if given.fingerprint:
        line = shown_key(host, port, given.fingerprint)
        if fingerprint(line) == given.fingerprint:
            return line
        sys.exit(f"{host} shows another key ({fingerprint(line)}) than the named one: see who answers there.")
    name = host if port == 22 else f"[{host}]:{port}"
    if given.known_hosts.exists():
        found = subprocess.run(
            ["ssh-keygen", "-F", name, "-f", str(given.known_hosts)], capture_output=True, text=True, check=False
        )
        lines = [line.split()[1:3] for line in found.stdout.splitlines() if line and not line.startswith(("#", "@"))]
        if lines:
            return " ".join(sorted(lines, key=lambda words: words[0] != "ssh-ed25519")[0])
    shown = fingerprint(shown_key(host, port, ""))
    sys.exit(f"The key of {name} is not known. It shows {shown}: compare it on its console, then add --fingerprint.")


class Visit:
    """One machine, looked at once or more."""

    def __init__(self, address: Address, pool: Pool, declared: TuningDeclared) -> None:
        self.address, self.pool, self.declared = address, pool, declared
        self.before: dict[str, Any] = {}
        self.took: dict[str, float] = {}

    def ask(self, name: str, commands: Mapping[str, Command]) -> dict[str, Output]:
        """One round trip per probe, so that each shows what it takes."""
        began = time.monotonic()
        outputs = self.pool.collect(self.address, commands)
        self.took[name] = time.monotonic() - began
        return outputs

    def look(self, name: str) -> list[Finding] | str:
        """Findings of a probe, or why its answer cannot be read."""
        probe = PROBES[name]
        outputs = self.ask(name, probe.commands)
        at = time.time()
        try:
            facts = probe.parse(outputs)
        except ParseError as error:
            return str(error)
        if probe.carry is not None and name in self.before:
            facts = probe.carry(facts, facts_json.dump(self.before[name]), at)
        self.before[name] = facts
        return probe.judge(facts, Declared(self.address.name, checked_at=at))

    def tuning(self) -> tuple[Row, ...] | str:
        """The compliance table of an Oracle VM, or why there is none."""
        try:
            facts = tuning.parse(self.ask(tuning.NAME, tuning.COMMANDS))
        except ParseError as error:
            return str(error)
        if not facts.processes:
            return "No instance of Oracle runs there, so its tuning is not judged."
        return compliance.table(facts, self.declared)

    def tools(self) -> str:
        """The paths of the tools that are installed."""
        return self.ask(TOOLS, TOOL_COMMANDS)[TOOLS].text()


def without(visit: Visit) -> dict[str, str]:
    """Probe -> why it does not apply to this machine."""
    name, tools = visit.address.name, visit.tools()
    found: dict[str, str] = {}
    if "/multipathd" not in tools:
        visit.look("lun_devices")
        maps = getattr(visit.before.get("lun_devices"), "maps", ())
        if not maps:
            words = f"{name} is not a multipath host: it has no multipathd and no multipath map."
            found |= dict.fromkeys(LUN_PROBES, words)
    if "/hosted-engine" not in tools:
        found |= dict.fromkeys(HE_PROBES, f"{name} is not a hosted-engine host: it has no hosted-engine command.")
    return found


def show(visit: Visit, passed_over: Mapping[str, str]) -> None:
    """Every probe of hosts is run; what does not apply to this machine is no failure."""
    for name, probe in sorted(PROBES.items()):
        if probe.target != "host":
            continue
        said = visit.look(name)
        if name in passed_over:
            words = said if isinstance(said, str) else said[0].sentence if said else "nothing"
            print(f"  -        {name} ({visit.took[name]:.2f} s): does not apply. It says: {words}")
        else:
            _print(name, said, visit.took[name])
    table = visit.tuning()
    _print(tuning.NAME, table, visit.took[tuning.NAME])


def _print(name: str, said: Sequence[Finding | Row] | str, took: float) -> None:
    if isinstance(said, str):
        print(f"  unknown  {name} ({took:.2f} s): {said}")
        return
    print(f"  read     {name} ({took:.2f} s)")
    for one in said:
        what = one.check if isinstance(one, Finding) else one.parameter
        print(f"    {one.outcome:<8} {what}: {one.sentence}")


def main(words: list[str]) -> int:
    """0 when the machine was looked at, whatever was found; 1 when it was not reached."""
    given = options(words)
    match = _TARGET.fullmatch(given.ssh)
    if match is None:
        sys.exit(f"--ssh {given.ssh}: user@address or user@address:port is wanted.")
    host, port = match["host"].strip("[]"), int(match["port"] or 22)
    try:
        private = Secret(given.key.read_text("utf-8"))
    except OSError as error:
        sys.exit(f"The private key {given.key} cannot be read ({error.strerror}). Name one with --key.")
    pool = Pool(private)
    try:
        address = Address(host, host, port, match["user"] or getpass.getuser(), pinned(host, port, given))
        visit = Visit(address, pool, TuningDeclared(host, instances(given.sga)))
        passed_over = without(visit)
        for words_said in sorted(set(passed_over.values())):
            print(words_said)
        show(visit, passed_over)
        if given.again:
            time.sleep(given.again)
            print(f"\nAgain after {given.again:g} s:")
            show(visit, passed_over)
    except LookFailed as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        pool.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
