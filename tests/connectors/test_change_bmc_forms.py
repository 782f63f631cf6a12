"""BMC by the forms of the AR System: queries, entries by their Request ID, files in a form of parts, steps and their
reasons, and the numbers by which its rules refuse."""

from __future__ import annotations

import itertools
import json
from datetime import timedelta

import pytest

from portal.connectors.change import problem_of
from portal.connectors.change.bmc_forms import own_fields
from portal.connectors.change.https import Answer, Endpoint, judged
from portal.connectors.change.reading import bmc as reading
from portal.connectors.change.reading.leaves import Unreadable
from portal.kernel.change import (
    ChangeBusy,
    ChangeGarbled,
    ChangeHeld,
    ChangeKey,
    ChangeRefused,
    ChangeUnreachable,
    Gate,
)
from tests.fixtures_changes import BEGINS, ENDS, wanted

HERE = "Company: Calbro Services; Location Company: Calbro Services; First Name: Hal; Last Name: Dfast"
marks = (f"form-{number}" for number in itertools.count())


def connected(changes, **more):
    url = changes.known["bmc"]["url"].removesuffix("/api/itsm")
    return changes.connect("bmc", url=url, **{"calls": "forms", "fields": HERE, **more})


def approved(changes):
    key = changes.open("bmc")
    changes.act("bmc", key.number, "approve")
    return connected(changes), key


@pytest.mark.wire
def test_from_the_request_to_the_close(changes):
    system, mark = connected(changes), next(marks)
    made = system.create(wanted(mark, short="Switch " * 40))
    assert (made.gate, made.begins, made.ends) == (Gate.AWAITING, BEGINS, ENDS)
    assert (made.ci, made.kind) == (("oradb01",), "normal")
    assert system.create(wanted(mark)).key == made.key
    assert system.find(wanted(mark)).key == made.key
    assert system.find(wanted(next(marks))) is None

    changes.act("bmc", made.key.number, "approve")
    assert system.read(made.key).gate is Gate.ALLOWED
    for _ in range(2):
        system.note(made.key, 'It begins: "now" [1]', f"{mark}/1")
        system.attach(made.key, "r\xe9port.pdf", "application/pdf", b"%PDF\0\r\n--x\r\n", f"{mark}/f")
        system.close(made.key, BEGINS, BEGINS + timedelta(minutes=42), "successful_issues", "Met.")
    told = changes.told("bmc", made.key.number)
    assert [one.splitlines()[0] for one in told["notes"]] == ['It begins: "now" [1]', "r\xe9port.pdf", "Met."]
    assert [(one["name"], one["media_type"], one["bytes"]) for one in told["files"]] == [
        ("r_port.pdf", "application/pdf", 12)
    ]
    assert (told["state"], told["code"]) == ("closed", "Successful with Issues")
    assert (told["began"], told["ended"]) == ("2026-12-05T20:00:00.000+0000", "2026-12-05T20:42:00.000+0000")
    assert [one["state"] for one in changes.ledger("bmc", "state", made.key.number)] == [
        "implement", "review", "closed",
    ]  # fmt: skip


@pytest.mark.wire
def test_a_server_that_does_not_answer_the_number_is_asked_for_it(changes):
    changes.fault("bmc", "no-fields")
    made = connected(changes).create(wanted(next(marks)))
    assert made.gate is Gate.AWAITING
    with pytest.raises(ChangeGarbled) as caught:
        connected(changes).create(wanted(""))
    assert caught.value.sent


@pytest.mark.wire
@pytest.mark.parametrize("what", ["note", "attach"])
def test_a_write_whose_answer_is_lost_is_not_doubled(changes, what):
    system, key = approved(changes)
    mark = next(marks)
    write = {
        "note": lambda: system.note(key, "Paused.", mark),
        "attach": lambda: system.attach(key, "r.csv", "text/csv", b"a;b\n", mark),
    }[what]
    changes.fault("bmc", "lost-answer", what=what)
    with pytest.raises(ChangeUnreachable):
        write()
    write()
    assert len(changes.told("bmc", key.number)["notes"]) == 1


@pytest.mark.wire
def test_where_only_people_close_completed_is_the_end(changes):
    system, key = approved(changes)
    changes.fault("bmc", "no-close")
    for _ in range(2):
        system.close(key, BEGINS, ENDS, "unsuccessful", "Rolled back.")
    told = changes.told("bmc", key.number)
    assert (told["state"], len(told["notes"])) == ("review", 1)
    assert "Result: Unsuccessful." in told["notes"][0]


@pytest.mark.wire
def test_a_rule_that_refuses_says_why_and_is_not_asked_for_ever(changes):
    with pytest.raises(ChangeHeld, match="not specified: Company") as caught:
        connected(changes, fields="").create(wanted(next(marks)))
    assert not caught.value.sent
    with pytest.raises(ChangeHeld, match="begins at Scheduled"):
        connected(changes).close(changes.open("bmc"), BEGINS, ENDS, "successful", "x")


@pytest.mark.wire
def test_a_change_that_is_not_there(changes):
    system = connected(changes)
    assert system.read(ChangeKey("bmc", "CRQ999999999")).gate is Gate.INVALID
    with pytest.raises(ChangeRefused) as caught:
        system.close(ChangeKey("bmc", "CRQ999999999"), BEGINS, ENDS, "successful", "x")
    assert caught.value.status == 404


@pytest.mark.parametrize(
    ("number", "kind"),
    [(302, ChangeHeld), (1291053, ChangeHeld), (90, ChangeBusy), (92, ChangeBusy), (None, ChangeBusy)],
)
def test_500_of_a_rule_and_500_of_a_failure(number, kind):
    body = json.dumps([{"messageType": "ERROR", "messageText": "No.", "messageNumber": number}]).encode()
    assert type(judged(Endpoint("bmc", "https://x.example"), "PUT /x", Answer(500, body=body))) is kind


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b"[]", b"[1]"])
def test_500_without_a_number_is_a_failure(body):
    assert type(judged(Endpoint("bmc", "https://x.example"), "PUT /x", Answer(500, body=body))) is ChangeBusy


@pytest.mark.parametrize(
    ("told", "word"),
    [
        (0, "Draft"),
        ("6", "Scheduled"),
        (7, "Implementation In Progress"),
        ("12", "Cancelled"),
        ("13", "13"),
        ("-1", "-1"),
    ],
)
def test_a_status_by_its_number(told, word):
    assert reading.status_of({"changerequeststatus": told}) == word


def test_a_change_by_number_of_its_status_is_allowed_like_by_its_word():
    body = {"entries": [{"values": {"Infrastructure Change ID": "CRQ1", "Change Request Status": 6}}]}
    assert reading.seen(reading.record_of(body), ChangeKey("bmc", "CRQ1"), "").gate is Gate.ALLOWED


@pytest.mark.parametrize("entry", ["", "CRQ1/../x", "a b", "x" * 256])
def test_no_entry_id(entry):
    with pytest.raises(Unreadable, match="Request ID"):
        reading.entry_of({"requestid": entry})


def test_own_fields():
    assert own_fields("Company: A: B ;; Timing:") == {"Company": "A: B", "Timing": ""}
    assert problem_of("bmc", "https://x.example", {"calls": "forms", "fields": "Company"}).startswith("fields has")
    assert problem_of("bmc", "https://x.example", {"fields": ": A"}).startswith("fields has")
    assert problem_of("bmc", "https://x.example", {"calls": "soap"}) == "calls is change or forms."
