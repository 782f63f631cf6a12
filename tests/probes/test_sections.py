"""What one damaged section of a host's answer costs: what rests on it is not known, the others stand, and nothing
becomes better than it was."""

from __future__ import annotations

import pytest

from inventory.probes import PROBES
from portal.kernel.output import Output, ParseError
from portal.kernel.probe import Declared
from tests.probes.test_multipath import BOTH, LUN1, LUN2, Estate
from tests.samples_dir import cases

GOOD = {
    "fc_ports": "two_cards",
    "ha_state": "healthy",
    "host_facts": "debian12",
    "lun_devices": "healthy",
    "lun_identity": "as_mapped",
    "lun_latency": "counted",
    "lun_read": "all_read",
    "multipath_config": "vdsm",
}
# Without these a probe knows nothing at all; every other section costs its own facts alone.
ALONE = {
    ("fc_ports", "sysfs"), ("lun_devices", "sysfs"), ("lun_identity", "inquiry"), ("lun_latency", "counters"),
    ("lun_read", next(iter(PROBES["lun_read"].commands))),
}  # fmt: skip
DAMAGE = {
    "missing": lambda good: None,
    "without its end": lambda good: Output(good.stdout, b"", None),
    "late": lambda good: Output(good.stdout[:10], b"", 124),
    "cut": lambda good: Output(good.stdout[: len(good.stdout) // 2], b"", good.exit_code, truncated=True),
    "denied": lambda good: Output(b"", b"sudo: a password is required\n", 1),
    "not in sudoers": lambda good: Output(b"", b"look is not in the sudoers file.  This is reported.\n", 1),
    "no such tool": lambda good: Output(b"", b"sh: tool: command not found\n", 127),
    "no text": lambda good: Output(b"\xff\xfe" + good.stdout, b"", good.exit_code),
    "silent": lambda good: Output(b"", b"", 0),
}
SECTIONS = [(name, section) for name in (*GOOD, "multipath") for section in PROBES[name].commands]


def good(name: str) -> dict[str, Output]:
    if name == "multipath":
        return Estate(LUN1, LUN2).outputs()
    case = cases(name)[GOOD[name]]
    return {section: case.output(section) for section in PROBES[name].commands}


def told(name: str, outputs: dict[str, Output]) -> dict[tuple[str, str], tuple[str, str]]:
    declared = BOTH if name == "multipath" else Declared("kvm01", checked_at=1_795_000_000.0)
    found = PROBES[name].judge(PROBES[name].parse(outputs), declared)
    assert all(one.sentence.endswith(".") and not one.sentence.endswith("..") for one in found)
    return {(one.check, one.subject.key): (one.outcome.value, one.sentence) for one in found}


def read(name: str, outputs: dict[str, Output]) -> dict[tuple[str, str], tuple[str, str]] | None:
    """None: nothing of the probe is known."""
    try:
        return told(name, outputs)
    except ParseError:
        return None


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize(("name", "section"), SECTIONS)
def test_a_damaged_section_makes_nothing_better_and_costs_no_other(name, section, damage):
    before, answers = told(name, good(name)), good(name)
    spoilt = DAMAGE[damage](answers[section])
    if spoilt is None:
        del answers[section]
    else:
        answers[section] = spoilt
    after = read(name, answers)
    if after is None:
        assert (name, section) in ALONE
        return
    for key, (outcome, sentence) in after.items():
        if outcome == "ok":
            assert before.get(key, ("", ""))[0] == "ok", (key, sentence)


@pytest.mark.parametrize(("name", "section"), SECTIONS)
def test_colours_change_nothing(name, section):
    """As a terminal gets them (facts/luns-and-tuning.md 0.7)."""
    answers = good(name)
    lines = answers[section].stdout.split(b"\n")
    coloured = b"\n".join(b"\x1b[1m" + line + b"\x1b[0m" if line.strip() else line for line in lines)
    answers[section] = Output(coloured, b"", answers[section].exit_code)
    assert told(name, answers) == told(name, good(name))
