"""Verdicts, steps and plans."""

from __future__ import annotations

import pytest

from portal.kernel.command import Command
from portal.kernel.output import Output
from portal.kernel.plan import Parameter, ParametersRefused, Plan, canonical, digest
from portal.kernel.step import Fetch, Kept, Step, act_ended
from portal.kernel.verdict import Verdict, Word, done, failed, go, wait


def step(**fields) -> Step:
    values = {
        "name": "one",
        "title": "One",
        "mutating": True,
        "settled": lambda seen, parameters: done("There."),
        "patience": 10,
        "undo": "No undo: nothing is kept.",
    }
    return Step(**(values | fields))


def plan(**fields) -> Plan:
    size = Parameter("size", "Size", int, 3, lambda value: "" if value > 0 else f"Size is {value}; it must be above 0.")
    values = {
        "name": "trial",
        "title": "Trial",
        "version": 1,
        "steps": (step(),),
        "targets": ("host",),
        "parameters": (size, Parameter("name", "Name", str), Parameter("deep", "Deep", bool, False)),
    }
    return Plan(**(values | fields))


def test_a_verdict_says_something():
    assert [make("It is.").word for make in (go, wait, done, failed)] == list(Word)
    with pytest.raises(ValueError, match="without a sentence"):
        Verdict(Word.GO, " ")


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"undo": "nothing"}, "begin with 'No undo: '"), ({"patience": 0}, "above zero"), ({"every": -1}, "above zero")],
)
def test_a_step_that_makes_no_sense_is_refused(fields, words):
    with pytest.raises(ValueError, match=words):
        step(**fields)


def test_a_step_that_only_waits_has_nothing_to_do():
    plain = step()
    assert plain.act({}) == ()
    assert plain.looks({}) == {}
    assert plain.ready({}, {}).word is Word.GO


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "../up", "sp ace", "\u00fc"])
def test_the_vault_takes_plain_names_only(name):
    for kind in (Kept, lambda text: Fetch("remote", text)):
        with pytest.raises(ValueError, match="not a plain file name"):
            kind(name)


@pytest.mark.parametrize(
    ("seen", "word", "words"),
    [
        ({}, Word.WAIT, "It has not ended."),
        ({"act": Output(b"", b"", None)}, Word.WAIT, "It has not ended."),
        ({"act": Output(b"", b"", 0)}, Word.DONE, "It ended with exit code 0."),
        ({"act": Output(b"", b"", 2)}, Word.FAILED, "It ended with exit code 2."),
        ({"act": Output(b"", b"no space\n", 2)}, Word.FAILED, "It ended with exit code 2: no space"),
    ],
)
def test_a_command_judged_by_its_end(seen, word, words):
    assert act_ended(seen, "It") == Verdict(word, words)


def test_parameters_are_filled_in():
    assert plan().checked({"name": "x"}) == {"size": 3, "name": "x", "deep": False}


def test_every_mistake_in_the_parameters_gets_its_sentence():
    with pytest.raises(ParametersRefused) as caught:
        plan().checked({"size": True, "deep": "yes", "other": 1})
    assert caught.value.sentences == [
        "Trial does not take a parameter 'other'.",
        "Size is True; it must be of type int.",
        "Name must be given.",
        "Deep is 'yes'; it must be of type bool.",
    ]
    with pytest.raises(ParametersRefused, match=r"Size is 0; it must be above 0\."):
        plan().checked({"size": 0, "name": "x"})


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"steps": ()}, "no steps"),
        ({"steps": (step(), step())}, "two of one name"),
        ({"parameters": (Parameter("run", "Run", str),)}, "the runner's own"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(fields, words):
    with pytest.raises(ValueError, match=words):
        plan(**fields)


def test_the_digest_changes_with_whatever_will_be_done():
    one = digest(plan(), {"size": 1, "name": "x"}, "host:1")
    assert one == digest(plan(), {"name": "x", "size": 1}, "host:1")
    others = [
        digest(plan(version=2), {"size": 1, "name": "x"}, "host:1"),
        digest(plan(steps=(step(patience=11),)), {"size": 1, "name": "x"}, "host:1"),
        digest(plan(), {"size": 2, "name": "x"}, "host:1"),
        digest(plan(), {"size": 1, "name": "x"}, "host:2"),
    ]
    assert len({one, *others}) == 5


def test_canonical_json_has_one_spelling():
    assert canonical({"b": [1, "\u00fc"], "a": None}) == '{"a":null,"b":[1,"\u00fc"]}'.encode()
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical(float("nan"))


def test_an_act_is_an_argv():
    with pytest.raises(ValueError, match="not an argv"):
        Command(())
