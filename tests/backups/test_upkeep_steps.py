"""The steps of upkeep and of the recovery-day kit: what the records say, in one sentence."""

from __future__ import annotations

import json

import pytest

from backups.steps import collect_kit, recheck, retire
from portal.kernel.output import Output
from portal.kernel.step import Told, Work


def says(step, section, told, part="settled"):
    found = getattr(step.STEP, part)({section: Output(json.dumps(told).encode(), b"", 0)}, {})
    return str(found.word), found.sentence


def test_the_kit_is_there_once_it_has_a_hash():
    assert says(collect_kit, "kit", {"sha256": ""}) == ("wait", "The kit is not in the vault yet.")
    told = {"sha256": "ab", "bundle": "kit.zip", "headline": "Ready with 2 gaps"}
    assert says(collect_kit, "kit", told) == ("done", "kit.zip is in the vault, SHA-256 ab. Ready with 2 gaps.")


@pytest.mark.parametrize(
    ("told", "word", "words"),
    [
        ({"checked": False, "place": "DR"}, "wait", "The copy at DR is not read back yet."),
        ({"checked": True, "place": "DR", "state": "held", "sentence": "Same hash."}, "done", "Same hash."),
        ({"checked": True, "place": "DR", "state": "lost", "sentence": "It is gone."}, "failed", "It is gone."),
    ],
)
def test_a_copy_is_read_back(told, word, words):
    assert says(recheck, "copy", told) == (word, words)


def backup(ident, word, sentence=""):
    return {"ident": ident, "word": word, "sentence": sentence}


@pytest.mark.parametrize(
    ("rows", "word", "words"),
    [
        ([backup("a", "deleted"), backup("b", "pending")], "wait",
         "1 of 2 backups are still to be deleted, the next is b."),
        ([backup("a", "deleted"), backup("b", "deleted")], "done", "Deleted: a, b."),
        ([backup("a", "stays", "Somebody keeps it.")], "done", "None is deleted. a stays: Somebody keeps it."),
    ],
)  # fmt: skip
def test_obsolete_backups_go_one_by_one(rows, word, words):
    assert says(retire, "standing", {"backups": rows}) == (word, words)


def test_what_they_ask_and_do():
    assert collect_kit.STEP.looks({}) == {"kit": Told("backups.kit")}
    assert recheck.STEP.looks({}) == {"copy": Told("backups.rechecking")}
    assert retire.STEP.looks({}) == {"standing": Told("backups.retiring")}
    works = [step.STEP.act({}) for step in (collect_kit, recheck, retire)]
    assert works == [(Work("backups.collect_kit"),), (Work("backups.rechecking"),), (Work("backups.retiring"),)]
    assert says(retire, "standing", {"backups": []}, "ready") == ("go", "The report calls them obsolete.")
