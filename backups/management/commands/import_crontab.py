"""Reads an old crontab and its scripts, says which policy replaces it and what is dangerous about it."""

from __future__ import annotations

import re
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backups.catalog.crontab import decoded, is_system
from backups.catalog.crontab_proposal import Imported, Proposal, propose
from backups.services.adopt import NotAdopted, adopt
from inventory.models import Engine
from portal.evidence.actors import shell_user

LARGEST = 1_000_000  # bytes of a file that is read at all


class Command(BaseCommand):
    """Nothing of what it reads is ever run. Without --create nothing is changed."""

    help = "Proposes the backup policy that replaces a crontab entry: import_crontab CRONTAB [--script FILE ...]."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("crontab", help="a file, or - for standard input")
        parser.add_argument(
            "--script",
            action="append",
            default=[],
            metavar="[NAME=]FILE",
            help="a script that the crontab calls; NAME: its path as the crontab spells it",
        )
        parser.add_argument("--system", action="store_true", help="the crontab has a user column, as in /etc/cron.d")
        parser.add_argument("--zone", default="", help="the engine VM's time zone, such as Europe/Vienna")
        parser.add_argument("--create", action="store_true", help="make the policy, switched off")
        parser.add_argument("--engine", default="", help="whose policy it is")
        parser.add_argument("--name", default="", help="of the policy; by default the engine's name and the line")
        parser.add_argument("--line", type=int, default=0, help="which entry, when more than one takes backups")

    def handle(self, *args: Any, **options: Any) -> None:
        raw = _read(options["crontab"])
        system = options["system"] or is_system(options["crontab"])
        found = propose(raw, _scripts(raw, options["script"]), system=system, zone=options["zone"])
        for line in _shown(found):
            self.stdout.write(line)
        if options["create"]:
            self._create(_chosen(found, options["line"]), options)

    def _create(self, proposal: Proposal, options: dict[str, Any]) -> None:
        engine = Engine.objects.filter(name=options["engine"]).first()
        if engine is None:
            raise CommandError(f"There is no engine {options['engine']!r}: name one with --engine.")
        name = options["name"] or f"{engine.name}, crontab line {proposal.line}"
        try:
            policy, points = adopt(proposal, engine, name, shell_user())
        except NotAdopted as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"\nPolicy {policy.name} is made. It is switched off.")
        for point in points:
            self.stdout.write(f"  To decide: {point}")
        self.stdout.write("  Switch it on when it says what you want, and take the crontab entry out in the same hour.")


def _read(path: str) -> bytes:
    try:
        if path == "-":
            return sys.stdin.buffer.read(LARGEST)
        with Path(path).open("rb") as file:
            return file.read(LARGEST)
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from None


def _scripts(crontab: bytes, given: list[str]) -> dict[str, bytes]:
    """Each script under the path by which the crontab may call it."""
    text, _ = decoded(crontab, "The crontab")
    found: dict[str, bytes] = {}
    for word in given:
        name, _, path = word.rpartition("=")
        raw = _read(path)
        found[name or path] = raw
        if not name:
            base = re.escape(Path(path).name)
            found |= dict.fromkeys(
                re.findall(rf"(?:^|[\s;&|(])([^\s;&|()<>]*/{base})(?=[\s;&|)<>]|$)", text, re.M), raw
            )
    return found


def _chosen(found: Imported, line: int) -> Proposal:
    chosen = [one for one in found.proposals if line in (0, one.line)]
    if not chosen:
        raise CommandError("No entry of this crontab is known to take engine backups, so no policy is made.")
    if len(chosen) > 1:
        lines = ", ".join(str(one.line) for one in chosen)
        raise CommandError(f"The entries at lines {lines} take engine backups: choose one with --line.")
    return chosen[0]


def _shown(found: Imported) -> list[str]:
    lines = [line for one in found.proposals for line in _proposal(one)]
    if not found.proposals:
        lines.append("No entry is known to take engine backups.")
    if found.others:
        lines.append(f"Lines that do something else: {', '.join(map(str, found.others))}.")
    return lines + [f"Not read: {sentence}" for sentence in found.unread]


def _proposal(one: Proposal) -> list[str]:
    places = [f"{place.where} ({place.kind}, by {place.by})" for place in one.destinations]
    rows = (
        ("Schedule", one.expression),
        ("Time zone", one.zone or "not known"),
        ("Scope", ", ".join(one.scopes) or "not known"),
        ("Folder on the engine VM", one.directory or "not known"),
        ("Retention", str(one.retention) if one.retention else "to be chosen"),
        ("Copies", "; ".join(places) or "none leave the engine VM"),
        ("Encrypted", "yes" if one.encrypted else "no"),
        # its address is a secret
        ("Watcher outside", "told" if one.heartbeats else "none is told"),
        ("Mail", ", ".join(one.mails) or "none"),
        ("Read", ", ".join(one.sources) or "the crontab alone"),
    )
    lines = [f"Line {one.line} takes engine backups. The policy that replaces it:"]
    lines += [f"  {name}: {value}" for name, value in rows]
    lines += [f"  Danger: {danger.sentence}" for danger in one.findings]
    return [*lines, *(f"  Not read: {sentence}" for sentence in one.unread)]
