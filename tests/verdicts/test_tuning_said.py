"""What the rows of one Oracle VM come to: findings, drift, the overview's answer; SGAs as a person writes them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inventory.services.sga_text import read_sgas, sga_lines
from inventory.tuning.row import Row
from inventory.tuning.said import KEY, answer, drifts, finding, findings, gravest, subject, together
from inventory.verdicts.answer import Answer, Word
from portal.kernel.outcome import Outcome

OK = Row("kernel", "vm.swappiness", "10", "1 to 10", Outcome.OK, "vm.swappiness is 10.", "T", "/proc")
FAIL = replace(OK, parameter="kernel.sem", running="1", outcome=Outcome.FAIL, sentence="kernel.sem is 1.")
WARN = replace(OK, parameter="fs.file-max", outcome=Outcome.WARN, sentence="fs.file-max is low.")
DARK = replace(OK, parameter="tuned", running="", outcome=Outcome.UNKNOWN, sentence="tuned is not known.")
LOST = replace(WARN, fleeting=True, sentence="No file sets it.")
NOTE = replace(OK, parameter="clocksource", severity="info")


def said(*rows, approved=None):
    return findings(rows, "oradb01", approved)


@pytest.mark.parametrize(
    ("row", "check"), [(OK, "tuning_kernel"), (LOST, "tuning_fleeting"), (replace(OK, area="engine"), "tuning_engine")]
)
def test_a_row_becomes_a_finding_of_its_area_and_what_a_boot_loses_stands_apart(row, check):
    one = finding(row, "oradb01")
    assert (one.check, one.subject.kind, one.subject.key) == (check, "vm", f"oradb01 {row.parameter}")
    assert one.outcome is row.outcome
    assert one.sentence == f"oradb01: {row.sentence}"


def test_rows_of_information_are_no_findings():
    assert [one.subject.key for one in said(OK, NOTE)] == ["oradb01 vm.swappiness"]


def test_a_long_name_never_costs_the_parameter():
    key = subject("x" * 200, "net.ipv4.ip_local_port_range").key
    assert len(key) == KEY
    assert key.endswith(" net.ipv4.ip_local_port_range")


def test_nothing_drifts_while_nobody_approved_anything():
    assert drifts([OK, FAIL], "oradb01", None) == []


def test_another_value_than_the_approved_is_a_warning_whatever_its_row_says():
    found = said(OK, approved={"vm.swappiness": "1"})
    assert [(one.check, one.outcome) for one in found] == [
        ("tuning_kernel", Outcome.OK),
        ("tuning_drift", Outcome.WARN),
    ]
    assert "is 10 and was 1 when it was approved" in found[1].sentence


def test_the_approved_value_is_no_drift_and_what_cannot_be_read_is_none_either():
    assert drifts([OK, DARK], "oradb01", {"vm.swappiness": "10", "tuned": "oracle"}) == []


def test_the_engines_rows_do_not_drift():
    assert drifts([replace(OK, area="engine")], "oradb01", {}) == []


@pytest.mark.parametrize(
    ("rows", "word", "outcome", "part"),
    [
        ((OK, replace(OK, parameter="x")), Word.YES, Outcome.OK, "All 2 settings of oradb01 are as declared."),
        ((OK, WARN), Word.YES, Outcome.WARN, "fs.file-max is low."),
        ((OK, LOST), Word.YES, Outcome.WARN, "No file sets it."),
        ((OK, WARN, DARK), Word.NOT_KNOWN, Outcome.UNKNOWN, "tuned is not known."),
        ((DARK, FAIL, WARN), Word.NO, Outcome.FAIL, "kernel.sem is 1."),
        ((FAIL, replace(FAIL, parameter="x")), Word.NO, Outcome.FAIL, "1 more of oradb01 are like that."),
        ((), Word.NOT_KNOWN, Outcome.UNKNOWN, "told nothing"),
        ((NOTE,), Word.NOT_KNOWN, Outcome.UNKNOWN, "told nothing"),
    ],
)
def test_the_worst_row_decides_and_unknown_is_no_yes(rows, word, outcome, part):
    found = answer(said(*rows), "oradb01")
    assert (found.word, found.outcome) == (word, outcome)
    assert part in found.sentence


def test_a_failure_is_seen_before_what_is_not_known():
    assert gravest(said(DARK, FAIL)).outcome is Outcome.FAIL
    assert gravest([]) is None


YES = Answer(Word.YES, Outcome.OK, "a")
GAP = Answer(Word.YES, Outcome.WARN, "gap")
NO = Answer(Word.NO, Outcome.FAIL, "no")
NOBODY = Answer(Word.NOT_KNOWN, Outcome.UNKNOWN, "dark")


@pytest.mark.parametrize(
    ("every", "word", "sentence"),
    [
        ([YES], Word.YES, "a"),
        ([YES, YES], Word.YES, "All 2 Oracle VMs run as declared."),
        ([YES, GAP], Word.YES, "gap"),
        ([GAP, NOBODY], Word.NOT_KNOWN, "dark"),
        ([YES, NOBODY, NO], Word.NO, "no"),
    ],
)
def test_the_estates_answer_is_that_of_its_worst_vm(every, word, sentence):
    found = together(every)
    assert (found.word, found.sentence) == (word, sentence)


def test_no_vm_has_no_answer():
    assert together([]) is None


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("ORCL1 64G", 64 * 2**30),
        ("ORCL1 68719476736", 64 * 2**30),
        ("ORCL1 65536M", 64 * 2**30),
        ("ORCL1: 64GB", 64 * 2**30),
        ("ORCL1=1t", 2**40),
        ("\n  ORCL1   2048k\n\n", 2**21),
    ],
)
def test_sizes_are_read_as_oracle_writes_them(text, size):
    assert read_sgas(text) == [{"name": "ORCL1", "sga_bytes": size}]


@pytest.mark.parametrize("text", ["ORCL1", "64G", "ORCL1 64X", "ORCL1 -1G", "ORCL1 64", "ORCL1 65T", "A 1G\nA 2G"])
def test_what_is_no_sga_is_refused_with_its_line(text):
    with pytest.raises(ValueError, match=r"ORCL1|64G|A stands"):
        read_sgas(text)


@pytest.mark.parametrize("text", ["A 64G", "A 1536M\n+ASM1 3G", "A 1048577", ""])
def test_lines_are_the_inverse(text):
    assert sga_lines(read_sgas(text)) == text
