"""Prints what sudo must allow on the hosts for the account that Holdfast uses there, word for word."""

from __future__ import annotations

import re
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from inventory.probes import PROBES
from portal.kernel.collector import LOOK_SCRIPT, look_script
from portal.kernel.sudoers import FOLDER, allowed, spelled
from portal.runs import as_root

_ACCOUNT = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
LOOKS = "Looks. All of it only reads"
HEAD = (
    "What Holdfast runs as root through sudo, from its probes, plans and policies. Check it with visudo -c.",
    "Print it anew when Holdfast is updated, and when a backup policy or HOLDFAST_HA_LAG changes.",
    "The lines of maintenance, drills and backups act: an account that has them can take the engine away.",
    f"Looks by one script: print it with --script into {LOOK_SCRIPT} (root:root, 0755), this file with --by-script.",
)


def groups() -> dict[str, dict[str, list[str]]]:
    """Heading -> rule -> why it is no fixed text, one sentence per varying part; each rule once."""
    found: dict[str, dict[str, list[str]]] = {LOOKS: {rule: [] for rule in _looks()}}
    for case in as_root.cases():
        rules = found.setdefault(case.where, {})
        for command in as_root.commands(case):
            rule = allowed(command, case.varies)
            if not any(rule in known for known in found.values()):
                rules[rule] = [one.why for one in case.varies if one.pattern in rule]
    ends = spelled(("kill", "-TERM"))
    why = ["process ids of what the Run started; sudo cannot tell them from others"]
    stops = {f"{FOLDER}{ends.replace('TERM', name)} [0-9]*": why for name in as_root.STOPS}
    return {**found, "Abort. Ends what a Run started as root; without these lines it runs to its time limit": stops}


def _looks() -> Iterator[str]:
    for probe in PROBES.values():
        yield from (allowed(command) for command in probe.commands.values() if command.root)


class Command(BaseCommand):
    """Nothing on any host is changed: a person puts the lines there."""

    help = "Prints a sudoers file for an account that is not root: sudoers [ACCOUNT] > /etc/sudoers.d/holdfast"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("account", nargs="?", default="holdfast")
        parser.add_argument("--looks", action="store_true", help="only what reads: no maintenance, drill or backup")
        parser.add_argument("--script", action="store_true", help=f"print {LOOK_SCRIPT}: all that looks ask as root")
        parser.add_argument("--by-script", action="store_true", help="one line for that script instead of one per look")

    def handle(self, *args: Any, **options: Any) -> None:
        account: str = options["account"]
        if not _ACCOUNT.fullmatch(account):
            raise CommandError(f"{account!r} is no account name.")
        if options["script"]:
            self.stdout.write(
                look_script(one for probe in PROBES.values() for one in probe.commands.values()), ending=""
            )
            return
        for line in HEAD:
            self.stdout.write(f"# {line}")
        self.stdout.write(f"Defaults:{account} !requiretty")
        for heading, rules in groups().items():
            if heading == LOOKS and options["by_script"]:
                self._write(account, heading, {f'{LOOK_SCRIPT} ""': []})
            elif rules and (heading == LOOKS or not options["looks"]):
                self._write(account, heading, rules)

    def _write(self, account: str, heading: str, rules: dict[str, list[str]]) -> None:
        self.stdout.write(f"\n# {heading}.")
        for rule, whys in rules.items():
            for why in whys:
                self.stdout.write(f"# Varies: {why}.")
            self.stdout.write(f"{account} ALL=(root) NOPASSWD: {rule}")
