"""Prints what sudo must allow on the hosts for the account that Holdfast uses there, word for word."""

from __future__ import annotations

import re
import shlex
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from inventory.probes import PROBES
from portal.kernel.collector import sudo_line
from portal.kernel.command import Command as HostCommand

FOLDER = "/usr/bin/"  # of timeout(1) on EL8 and EL9; sudoers takes whole paths only
_ACCOUNT = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_SIGNS = re.compile(r"([\\,:=*?\[\]!])")  # what sudoers(5) takes for its own inside arguments


def allowed(command: HostCommand) -> str:
    """A `root` command as a sudoers file names it. sudo compares words, so the shell's quotes are not in it."""
    return FOLDER + " ".join(_SIGNS.sub(r"\\\1", word) for word in shlex.split(sudo_line(command)))


class Command(BaseCommand):
    """Nothing on any host is changed: a person puts the lines there."""

    help = "Prints a sudoers file for an account that is not root: sudoers [ACCOUNT] > /etc/sudoers.d/holdfast"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("account", nargs="?", default="holdfast")

    def handle(self, *args: Any, **options: Any) -> None:
        account: str = options["account"]
        if not _ACCOUNT.fullmatch(account):
            raise CommandError(f"{account!r} is no account name.")
        self.stdout.write("# What Holdfast's looks ask as root; all of it only reads. Check it with visudo -c.")
        self.stdout.write(f"Defaults:{account} !requiretty")
        for probe in PROBES.values():
            for command in probe.commands.values():
                if command.root:
                    self.stdout.write(f"{account} ALL=(root) NOPASSWD: {allowed(command)}")
