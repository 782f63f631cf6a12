"""All four change systems over HTTPS: made, gated, approved there, noted, attached, closed; nothing doubled."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest

from portal.connectors.change.reading.leaves import tag
from portal.kernel.change import (
    ChangeBusy,
    ChangeFailed,
    ChangeGarbled,
    ChangeKey,
    ChangeRefused,
    ChangeUnreachable,
    Gate,
)
from portal.kernel.secret import Secret
from tests.fixtures_changes import BEGINS, ENDS, KINDS, wanted

pytestmark = pytest.mark.wire
PLAIN = ("servicenow", "bmc", "webhook")  # where a wanted window is a field of its own
marks = (f"test-{number}" for number in itertools.count())
every = pytest.mark.parametrize("kind", KINDS)


def approved(changes, kind):
    """A change that the board has approved; system and key."""
    key = changes.open(kind)
    changes.act(kind, key.number, "approve")
    return changes.connect(kind), key


@every
def test_from_the_request_to_the_close(changes, kind):
    system, mark = changes.connect(kind), next(marks)
    made = system.create(wanted(mark))
    assert made.gate is Gate.AWAITING
    assert (made.key.system, bool(made.key.number)) == (kind, True)
    if kind == "jira":
        assert (made.begins, made.ends) == (BEGINS, ENDS)
    if kind in PLAIN:
        assert (made.begins, made.ends, made.ci, made.kind) == (BEGINS, ENDS, ("oradb01",), "normal")
    assert system.create(wanted(mark)).key == made.key

    changes.act(kind, made.key.number, "approve")
    seen = system.read(made.key)
    assert seen.gate is Gate.ALLOWED
    assert seen.key == made.key
    assert seen.sequence >= made.sequence + (kind != "bmc")  # BMC tells whole seconds

    for line, note in enumerate(("The drill begins.", "Group 1 is done.", "The drill ends.")):
        system.note(made.key, note, f"{mark}/{line}")
    system.attach(made.key, "report.pdf", "application/pdf", b"%PDF-1.7\0whole", f"{mark}/file")
    system.close(made.key, BEGINS, BEGINS + timedelta(minutes=42), "successful", "All objectives met.")

    told = changes.told(kind, made.key.number)
    wrote = [one for one in told["notes"] if "/file" not in one and "Result:" not in one]
    assert [one.splitlines()[0] for one in wrote] == ["The drill begins.", "Group 1 is done.", "The drill ends."]
    assert [(one["name"], one["bytes"]) for one in told["files"]] == [("report.pdf", 14)]
    assert len(changes.ledger(kind, "close", made.key.number)) == 1
    assert "20:42" in told["ended"]
    assert system.read(made.key).gate is Gate.PREVENTED


@every
def test_a_change_whose_answer_was_lost_is_found_by_its_mark(changes, kind):
    system, mark = changes.connect(kind), next(marks)
    if kind != "webhook":  # where the same event makes it
        assert system.find(wanted(mark)) is None
    changes.fault(kind, "lost-answer", what="create", times="1")
    with pytest.raises(ChangeFailed) as caught:
        system.create(wanted(mark))
    assert caught.value.sent, "it may have been made"
    found = system.find(wanted(mark))
    assert (found.gate, len(changes.ledger(kind, "create", found.key.number))) == (Gate.AWAITING, 1)
    assert system.create(wanted(mark)).key == found.key


@every
def test_a_change_that_is_refused_was_not_sent(changes, kind):
    changes.fault(kind, "refuse", status="400", what="create", times="1")
    with pytest.raises(ChangeRefused) as caught:
        changes.connect(kind).create(wanted(next(marks)))
    assert not caught.value.sent


@every
def test_what_fails_after_it_was_made_says_so(changes, kind):
    """The change is made, and cannot be read."""
    if kind in ("servicenow", "webhook"):
        pytest.skip("the answer to the request is the change itself")
    system, mark = changes.connect(kind), next(marks)
    made = len(changes.ledger(kind, "create"))
    desk = changes.alone.servers.desks[kind]
    with pytest.MonkeyPatch.context() as patched:
        enter = desk.enter

        def entered(what, number, **more):
            enter(what, number, **more)
            if what == "create":
                desk.faults["refuse"] = {"status": "403", "what": "read", "times": "0"}

        patched.setattr(desk, "enter", entered)
        with pytest.raises(ChangeFailed) as caught:
            system.create(wanted(mark))
    desk.faults.clear()
    assert (caught.value.sent, len(changes.ledger(kind, "create")) - made) == (True, 1)
    assert system.find(wanted(mark)).gate is Gate.AWAITING


@every
def test_a_repeat_is_written_once(changes, kind):
    system, key = approved(changes, kind)
    mark = next(marks)
    for _ in range(3):
        system.note(key, "The drill begins.", mark)
        system.attach(key, "report.json", "application/json", b"{}", f"{mark}/file")
    told = changes.told(kind, key.number)
    assert sum("The drill begins." in one for one in told["notes"]) == 1
    assert len(told["files"]) == 1


@every
@pytest.mark.parametrize("what", ["note", "attach"])
def test_an_answer_that_is_lost_doubles_nothing(changes, kind, what):
    system, key = approved(changes, kind)
    mark = next(marks)
    changes.fault(kind, "lost-answer", what=what)
    write = {
        "note": lambda: system.note(key, "Paused.", mark),
        "attach": lambda: system.attach(key, "r.csv", "text/csv", b"a;b\n", mark),
    }[what]
    with pytest.raises(ChangeUnreachable) as caught:
        write()
    assert caught.value.sent
    write()
    told = changes.told(kind, key.number)
    assert (len(told["files"]), sum("Paused." in one for one in told["notes"])) == (
        (1, 0) if what == "attach" else (0, 1)
    )


@every
@pytest.mark.parametrize("result", ["successful", "successful_issues", "unsuccessful"])
def test_a_close_tells_its_result_once(changes, kind, result):
    system, key = approved(changes, kind)
    for _ in range(2):
        system.close(key, BEGINS, ENDS, result, "See the report.")
    closed = changes.ledger(kind, "close", key.number)
    assert len(closed) == 1
    words = {
        "jira": {"unsuccessful": "Failed"}.get(result, "Completed"),
        "bmc": result.replace("_", " with ").capitalize(),
    }
    assert closed[0]["code"].lower() == words.get(kind, result).lower()


@every
def test_what_people_do_late_is_seen(changes, kind):
    system, key = approved(changes, kind)
    allowed = system.read(key)
    changes.act(kind, key.number, "hold", reason="Month end")
    held = system.read(key)
    changes.act(kind, key.number, "release")
    changes.act(kind, key.number, "move", minutes=90)
    moved = system.read(key)
    changes.act(kind, key.number, "cancel")
    canceled = system.read(key)
    assert [one.gate for one in (allowed, held, moved, canceled)] == [
        Gate.ALLOWED, Gate.PREVENTED, Gate.ALLOWED, Gate.PREVENTED,
    ]  # fmt: skip
    assert (allowed.begins, allowed.ends) == (BEGINS, ENDS)
    assert moved.begins == BEGINS + timedelta(minutes=90)
    told = [one.sequence for one in (allowed, held, moved, canceled)]
    assert told == sorted(told)
    assert kind == "bmc" or len(set(told)) == 4


@every
def test_a_rejection_prevents(changes, kind):
    key = changes.open(kind)
    changes.act(kind, key.number, "reject")
    assert changes.connect(kind).read(key).gate is Gate.PREVENTED


@every
def test_a_state_that_nobody_knows_is_never_allowed(changes, kind):
    system, key = approved(changes, kind)
    changes.fault(kind, "odd-state")
    seen = system.read(key)
    assert seen.gate is Gate.PREVENTED
    assert "Under Deliberation".lower() in seen.sentence.lower()


UNKNOWN = {"servicenow": "CHG9999999", "jira": "OPS-999999", "bmc": "CRQ999999999", "webhook": "WH-9999999"}


@every
def test_a_change_that_is_not_there_is_invalid(changes, kind):
    seen = changes.connect(kind).read(ChangeKey(kind, UNKNOWN[kind]))
    assert seen.gate is Gate.INVALID
    assert UNKNOWN[kind] in seen.sentence


@every
def test_a_number_of_another_kind_is_asked_for_all_the_same(changes, kind):
    """So that a system can be tried with a number that nobody has."""
    before = len(changes.ledger(kind, "request"))
    assert changes.connect(kind).read(ChangeKey(kind, "HOLDFAST-TEST")).gate is Gate.INVALID
    assert len(changes.ledger(kind, "request")) > before
    if kind != "webhook":
        with pytest.raises(ChangeRefused):
            changes.connect(kind, secret=Secret("wrong")).read(ChangeKey(kind, "HOLDFAST-TEST"))


@every
@pytest.mark.parametrize("number", ["", "CHG1^ORactive=true", "OPS-1/../../user", "CRQ1?x=1", "a b", "\n", "x" * 300])
def test_a_number_that_is_none_asks_nothing_else(changes, kind, number):
    seen = changes.connect(kind).read(ChangeKey(kind, number))
    assert seen.gate is Gate.INVALID


@every
@pytest.mark.parametrize(
    ("status", "error"),
    [(403, ChangeRefused), (400, ChangeRefused), (409, ChangeBusy), (503, ChangeBusy), (500, ChangeBusy)],
)
def test_a_refused_write_back_and_its_replay(changes, kind, status, error):
    system, key = approved(changes, kind)
    mark = next(marks)
    changes.fault(kind, "refuse", status=status, what="note", times=1)
    with pytest.raises(error) as caught:
        system.note(key, "The drill ends.", mark)
    assert caught.value.status == status
    assert f"The lab refuses this with {status}" in str(caught.value)
    system.note(key, "The drill ends.", mark)
    notes = changes.told(kind, key.number)["notes"]
    assert [one.splitlines()[0] for one in notes] == ["The drill ends."]
    assert kind == "webhook" or tag(mark) in notes[0]


@every
def test_a_rate_limit_says_how_long_to_wait(changes, kind):
    system, key = approved(changes, kind)
    changes.fault(kind, "rate", retry_after=60)
    with pytest.raises(ChangeBusy) as caught:
        system.read(key)
    assert (caught.value.status, caught.value.wait) == (429, 60.0)


BAD = {
    "html": ({"status": 200}, "a web page"),
    "half": ({}, "JSON"),
    "redirect": ({}, "login.bank.example"),
    "huge": ({}, "cannot be taken in"),
}


# the first request to BMC is its login, which answers no JSON
ODD = {("bmc", "html"): "AR-JWT|web page", ("bmc", "half"): "AR-JWT|JSON"}


@every
@pytest.mark.parametrize("fault", BAD)
def test_what_is_no_api_is_told_as_such(changes, kind, fault):
    words, told = BAD[fault]
    system, key = approved(changes, kind)
    changes.fault(kind, fault, **words)
    with pytest.raises(ChangeFailed, match=ODD.get((kind, fault), told)):
        system.read(key)
    changes.http("DELETE", f"/change/{kind}/faults")
    assert system.read(key).gate is Gate.ALLOWED


@every
def test_a_web_page_with_404_is_no_missing_change(changes, kind):
    """A proxy's page says nothing of the change."""
    system, key = approved(changes, kind)
    system.read(key)
    changes.fault(kind, "html", status=404)
    with pytest.raises(ChangeGarbled, match="not at this address"):
        system.read(key)
    changes.fault(kind, "html", status=502)
    with pytest.raises(ChangeBusy, match="hibernating"):
        system.read(key)


@every
def test_a_request_whose_answer_is_lost_makes_one_change(changes, kind):
    system, mark = changes.connect(kind), next(marks)
    changes.fault(kind, "lost-answer", what="create")
    with pytest.raises(ChangeUnreachable) as caught:
        system.create(wanted(mark))
    assert caught.value.sent
    made = system.create(wanted(mark))
    assert system.create(wanted(mark)).key == made.key
    assert len([one for one in changes.ledger(kind, "create") if one["change"] == made.key.number]) == 1
    same = [
        one
        for one in changes.http("GET", "/change")[kind]["changes"]
        if one["mark"] == changes.told(kind, made.key.number)["mark"]
    ]
    assert len(same) == 1


@pytest.mark.parametrize("kind", ["bmc", "webhook"])
def test_a_slow_answer_ends_with_the_deadline(changes, kind):
    _, key = approved(changes, kind)
    changes.connect(kind).read(key)  # so that no login is in the way
    changes.fault(kind, "slow", seconds=30, times=1)
    with pytest.raises(ChangeUnreachable, match=r"no whole answer|too slow"):
        changes.connect(kind, limit=0.5).read(key)


@every
def test_what_the_account_may_not_see_is_refused_and_not_invalid(changes, kind):
    system, key = approved(changes, kind)
    changes.fault(kind, "refuse", status=403, what="read")
    with pytest.raises(ChangeRefused) as caught:
        system.read(key)
    assert caught.value.status == 403
    assert str(caught.value).endswith("Give the account the right there.")


@every
def test_nothing_is_written_to_a_change_that_is_not_there(changes, kind):
    system, key = changes.connect(kind), ChangeKey(kind, UNKNOWN[kind])
    with pytest.raises(ChangeRefused):
        system.note(key, "The drill begins.", next(marks))
    with pytest.raises(ChangeRefused):
        system.close(key, BEGINS, ENDS, "successful", "Done.")
    with pytest.raises(ValueError, match="no mark"):
        system.note(key, "The drill begins.", "a mark with blanks")
