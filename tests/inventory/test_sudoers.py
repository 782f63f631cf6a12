"""The sudoers file: every command that a look runs as root, and nothing else."""

from __future__ import annotations

import io
import re
import shlex

import pytest
from django.core.management import CommandError, call_command

from inventory.management.commands.sudoers import allowed
from inventory.probes import PROBES
from portal.kernel.collector import sudo_line
from portal.kernel.command import Command


def printed(*words):
    out = io.StringIO()
    call_command("sudoers", *words, stdout=out)
    return out.getvalue().splitlines()


def test_every_root_command_of_every_look_is_allowed_word_for_word_and_no_other():
    rules = [line.partition("NOPASSWD: ")[2] for line in printed("ops") if line.startswith("ops ALL=(root) ")]
    plain = [re.sub(r"\\(.)", r"\1", rule) for rule in rules]
    commands = [one for probe in PROBES.values() for one in probe.commands.values() if one.root]
    assert plain == ["/usr/bin/" + " ".join(shlex.split(sudo_line(one))) for one in commands]
    assert "/usr/bin/timeout -k 2 15 hosted-engine --vm-status --json" in plain


def test_no_terminal_is_asked_for():
    assert "Defaults:holdfast !requiretty" in printed()


def test_signs_of_sudoers_are_escaped_and_widen_nothing():
    rule = allowed(Command(("grep", "-E", r"^host_id=[1-9]*,\?:!", "a b"), root=True))
    assert rule.endswith(r" grep -E ^host_id\=\[1-9\]\*\,\\\?\:\! a b")
    assert not any(re.search(r"(?<!\\)[*?\[\],:=!]", line.partition("NOPASSWD: ")[2]) for line in printed())


@pytest.mark.parametrize("account", ["root, ALL", "", "Ops", "a\nb", "x" * 40])
def test_what_is_no_account_name_is_refused(account):
    with pytest.raises(CommandError, match="no account name"):
        printed(account)
