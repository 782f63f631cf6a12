"""Which gate each state of each system is. Nothing that is not known is ever allowed."""

from __future__ import annotations

import itertools

import pytest

from portal.connectors.change.reading import bmc, jira, servicenow, webhook
from portal.connectors.change.reading.leaves import Unreadable
from portal.kernel.change import ChangeKey, Gate

AWAITING, ALLOWED, PREVENTED, INVALID = Gate.AWAITING, Gate.ALLOWED, Gate.PREVENTED, Gate.INVALID
SYS_ID = "0f4ac6c4b750230096c3e4f6ee11a9fe"
KEY = ChangeKey("sn", "CHG0030004", SYS_ID)


def both(value, label=None):
    return {"value": value, "display_value": value if label is None else label}


def record(value, label, approval="approved", **more):
    plain = {
        "number": both("CHG0030004"),
        "sys_id": both(SYS_ID),
        "state": both(value, label),
        "approval": both(approval),
        "type": both("normal", "Normal"),
        "start_date": both("2026-12-05 20:00:00", "2026-12-05 12:00:00"),
        "end_date": both("2026-12-06 00:00:00", "2026-12-05 16:00:00"),
        "sys_mod_count": both(10.0, "10"),
        "sys_updated_on": both("2026-12-01 08:00:00"),
        "cmdb_ci": both("3a27d4370a0a0bb4006316812bf45439", "oradb01"),
    }
    return plain | {name: value if isinstance(value, dict) else both(value) for name, value in more.items()}


# value and label of every state -> its gate when approved, and when approval is requested
LEGACY = {
    (-5, "New"): (AWAITING, AWAITING),
    (-4, "Assess"): (AWAITING, AWAITING),
    (-3, "Authorize"): (AWAITING, AWAITING),
    (-2, "Scheduled"): (ALLOWED, AWAITING),
    (-1, "Implement"): (ALLOWED, AWAITING),
    (0, "Review"): (PREVENTED, PREVENTED),
    (3, "Closed"): (PREVENTED, PREVENTED),
    (4, "Canceled"): (PREVENTED, PREVENTED),
}


def forms(value, label):
    """The same state as releases and clients show it."""
    yield both(str(value), label)
    yield both(float(value), label)
    yield both(value, label.lower())
    yield both(str(value), f"In a tongue of its own {value}")  # a label in another language: the number counts
    yield both("101", label)  # a model's own number: the label counts
    yield both(label.lower(), label)  # no number at all
    yield str(value)
    yield float(value)


@pytest.mark.parametrize(
    ("state", "approved", "requested"),
    [(form, *gates) for (value, label), gates in LEGACY.items() for form in forms(value, label)],
)
def test_servicenow_states(state, approved, requested):
    told = {**record("", ""), "state": state}
    assert servicenow.gate("CHG1", told)[0] == approved
    assert servicenow.gate("CHG1", {**told, "approval": both("requested")})[0] == requested
    assert servicenow.gate("CHG1", {**told, "approval": both("rejected")})[0] == PREVENTED


@pytest.mark.parametrize(
    "approval", ["", "not requested", "Not Requested", "not_requested", "requested", "not yet requested"]
)
def test_servicenow_pending_approvals(approval):
    assert servicenow.gate("CHG1", record("-2", "Scheduled", approval))[0] == AWAITING
    standard = servicenow.gate("CHG1", record("-2", "Scheduled", approval, type=both("standard")))[0]
    # one that somebody was asked for is not what the template has approved
    assert standard == (AWAITING if approval == "requested" else ALLOWED)


@pytest.mark.parametrize(
    "approval", ["rejected", "cancelled", "canceled", "duplicate", "Approved by nobody", "yes", "true", "1"]
)
@pytest.mark.parametrize("kind", ["standard", "normal", "emergency", ""])
def test_servicenow_approvals_that_prevent(approval, kind):
    assert servicenow.gate("CHG1", record("-2", "Scheduled", approval, type=both(kind)))[0] == PREVENTED


@pytest.mark.parametrize(
    ("value", "label", "gate"),
    [
        ("7", "Under Deliberation", PREVENTED),
        ("7", "", PREVENTED),
        ("", "", PREVENTED),
        ("-2.5", "Nearly", PREVENTED),
        ("scheduledish", "Scheduled-ish", PREVENTED),
        ("-2", "Closed", INVALID),
        ("3", "Scheduled", INVALID),
        ("-1", "Canceled", INVALID),
    ],
)
@pytest.mark.parametrize("kind", ["standard", "normal"])
def test_servicenow_states_that_nobody_knows(value, label, gate, kind):
    found, why = servicenow.gate("CHG1", record(value, label, type=both(kind)))
    assert found == gate
    assert why.startswith("CHG1 ")
    assert why.endswith(".")


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"on_hold": both(True, "true"), "on_hold_reason": "Month end"}, "CHG1 is on hold: Month end."),
        ({"on_hold": both("true")}, "CHG1 is on hold, without a reason given."),
        ({"on_hold": both("perhaps")}, "CHG1 is on hold, without a reason given."),
        ({"active": both(False, "false")}, "CHG1 is no longer active."),
    ],
)
@pytest.mark.parametrize(("value", "label"), [("-2", "Scheduled"), ("-1", "Implement")])
def test_servicenow_what_holds_an_approved_change(value, label, more, why):
    assert servicenow.gate("CHG1", record(value, label, **more)) == (PREVENTED, why)


def test_servicenow_change_as_it_is_kept():
    seen = servicenow.seen(record("-2", "Scheduled"), "sn", "https://bank.service-now.com")
    assert seen.key == KEY
    assert (seen.gate, seen.state, seen.kind, seen.sequence, seen.ci) == (
        ALLOWED,
        "Scheduled",
        "normal",
        10,
        ("oradb01",),
    )
    assert (seen.begins.isoformat(), seen.ends.isoformat()) == (
        "2026-12-05T20:00:00+00:00",
        "2026-12-06T00:00:00+00:00",
    )
    assert seen.changed.isoformat() == "2026-12-01T08:00:00+00:00"
    assert SYS_ID in seen.url


@pytest.mark.parametrize(
    "more",
    [
        {"start_date": "5 December"},
        {"end_date": "2026-12-06T00:00:00Z"},
        {"start_date": both("2026-02-30 00:00:00")},
        {"end_date": both("2026-12-05 19:00:00")},
        {"end_date": both("2026-12-05 20:00:00")},
    ],
)
def test_servicenow_window_that_cannot_be(more):
    seen = servicenow.seen(record("-2", "Scheduled", **more), "sn", "https://x.example")
    assert seen.gate == INVALID
    assert "window" in seen.sentence


def test_servicenow_window_and_times_that_are_not_told():
    told = record(
        "-2", "Scheduled", start_date=both(""), end_date=both(""), sys_updated_on=both("just now"), cmdb_ci=both("")
    )
    seen = servicenow.seen(told, "sn", "https://x.example")
    assert (seen.begins, seen.ends, seen.changed, seen.ci, seen.gate) == (None, None, None, (), ALLOWED)


@pytest.mark.parametrize(
    "more", [{"number": ""}, {"sys_id": ""}, {"sys_id": "x" * 32}, {"number": "CHG 1"}, {"sys_id": SYS_ID[:-1] + "١"}]
)
def test_servicenow_record_that_names_no_change(more):
    with pytest.raises(Unreadable):
        servicenow.seen(record("-2", "Scheduled", **more), "sn", "https://x.example")


@pytest.mark.parametrize(
    "body", [None, [], {}, {"result": None}, {"result": []}, {"result": [{}, {}]}, {"result": "x"}, "x", 3]
)
def test_servicenow_answers_without_one_record(body):
    with pytest.raises(Unreadable):
        servicenow.record_of(body)


def test_servicenow_one_record_in_a_list():
    assert servicenow.record_of({"result": [{"a": 1}]}) == {"a": 1}


MODEL = {
    "result": {
        "available_states": ["0", "4", "-1"],
        "state_transitions": [
            [
                {
                    "to_state": "0",
                    "transition_available": False,
                    "conditions": [{"passed": False, "condition": {"name": "No active tasks"}}],
                },
                {
                    "to_state": "0",
                    "transition_available": True,
                    "conditions": [{"passed": True, "condition": {"name": "Not on hold"}}],
                },
            ],
            [{"to_state": "4", "transition_available": True, "conditions": []}],
        ],
        "state_label": {"0": "Review", "4": "Canceled", "-1": "Implement"},
    }
}


def test_servicenow_next_states_of_a_model():
    states = servicenow.next_states(MODEL, "-1")
    assert [(one.value, one.label, one.open) for one in states] == [("0", "Review", True), ("4", "Canceled", True)]
    assert servicenow.towards_end(states, "Implement").label == "Review"
    assert servicenow.ways_said(states) == "it permits Review, Canceled"


def test_servicenow_next_state_that_is_not_open():
    way = {
        "to_state": "0",
        "transition_available": False,
        "conditions": [{"passed": False, "condition": {"name": "No active tasks"}}, "x", {"passed": None}],
    }
    body = {"result": {"available_states": ["0"], "state_transitions": [way, "x"], "state_label": {"0": "Review"}}}
    states = servicenow.next_states(body, "-1")
    assert states == [servicenow.Next("0", "Review", open=False, unmet=("No active tasks",))]
    assert servicenow.towards_end(states, "Implement") is None
    assert servicenow.ways_said(states) == "it permits Review (No active tasks)"


def test_servicenow_next_states_of_a_type_have_no_ways():
    states = servicenow.next_states({"result": {"available_states": [-1.0, 3, 4]}}, "-1")
    assert [(one.value, one.label) for one in states] == [("3", "Closed"), ("4", "Canceled")]
    assert servicenow.towards_end(states, "Implement").label == "Closed"


@pytest.mark.parametrize("state", ["New", "Assess", "Authorize", "Canceled", "Closed", "", "?"])
def test_servicenow_a_close_never_moves_what_is_not_approved(state):
    every = [
        servicenow.Next(value, label) for value, label in (("-2", "Scheduled"), ("-1", "Implement"), ("3", "Closed"))
    ]
    assert servicenow.towards_end(every, state) is None


def test_servicenow_a_close_never_cancels_or_goes_back():
    states = [servicenow.Next("4", "Canceled"), servicenow.Next("-2", "Scheduled"), servicenow.Next("-5", "New")]
    assert servicenow.towards_end(states, "Implement") is None
    assert servicenow.ways_said([]) == "it permits no other state"


@pytest.mark.parametrize("body", [None, {}, {"result": []}, {"result": {}}, {"result": {"available_states": "x"}}])
def test_servicenow_next_states_that_cannot_be_read(body):
    with pytest.raises(Unreadable):
        servicenow.next_states(body, "-1")


def test_servicenow_conflicts():
    told = {"status": "Conflict", "last_run": "2026-12-01 08:00:00", "conflicts": []}
    assert servicenow.clashes({"result": told}, "CHG1") == ()
    assert servicenow.clashes({"result": {**told, "conflicts": {}}}, "CHG1") == ()
    assert "has not checked" in servicenow.clashes({"result": {**told, "last_run": ""}}, "CHG1")[0]
    assert "has not checked" in servicenow.clashes({"result": {"status": "Not Run", "last_run": "x"}}, "CHG1")[0]
    one = {
        "type": both("blackout", "Blackout"),
        "configuration_item": both("x", "oradb01"),
        "change": both("y", "CHG2"),
    }
    assert servicenow.clashes({"result": {**told, "conflicts": [one, {}]}}, "CHG1") == (
        "CHG1: Blackout on oradb01, with CHG2.",
        "CHG1: a conflict of a kind that is not told.",
    )
    with pytest.raises(Unreadable):
        servicenow.clashes({"result": {**told, "conflicts": "x"}}, "CHG1")


# --- Jira


def status(name, category):
    return jira.Status(name, category)


@pytest.mark.parametrize(
    ("name", "category", "kind", "decisions", "gate"),
    [
        ("Planning", "new", "normal", [], AWAITING),
        ("Awaiting approval", "indeterminate", "normal", ["pending"], AWAITING),
        ("Awaiting approval", "indeterminate", "normal", ["approved"], AWAITING),
        ("Awaiting implementation", "indeterminate", "normal", ["approved"], ALLOWED),
        ("IMPLEMENTING", "indeterminate", "normal", ["approved", "approved"], ALLOWED),
        ("Implementing", "indeterminate", "normal", ["approved", "pending"], AWAITING),
        ("Implementing", "indeterminate", "normal", ["approved", "declined"], PREVENTED),
        ("Implementing", "indeterminate", "normal", [], AWAITING),
        ("Implementing", "indeterminate", "standard", [], ALLOWED),
        ("Implementing", "indeterminate", "emergency", [], AWAITING),
        ("Implementing", "indeterminate", "", [], AWAITING),
        ("Implementing", "indeterminate", "standard", ["declined"], PREVENTED),
        ("Implementing", "indeterminate", "standard", ["perhaps"], PREVENTED),
        ("Implementing", "indeterminate", "standard", [""], PREVENTED),
        ("On hold", "indeterminate", "standard", ["approved"], PREVENTED),
        ("Declined", "indeterminate", "standard", ["approved"], PREVENTED),
        ("Completed", "done", "standard", ["approved"], PREVENTED),
        ("Implementing", "done", "standard", ["approved"], PREVENTED),
        ("Implementing", "undefined", "standard", ["approved"], PREVENTED),
        ("Implementing", "", "standard", ["approved"], PREVENTED),
        ("Under Deliberation", "indeterminate", "standard", ["approved"], PREVENTED),
        ("", "indeterminate", "standard", ["approved"], PREVENTED),
    ],
)
def test_jira_gate_of_an_issue_with_approvals(name, category, kind, decisions, gate):
    found, why = jira.gate_by_status("OPS-1", kind, status(name, category), decisions)
    assert found == gate
    assert "OPS-1" in why
    assert why.endswith(".")


@pytest.mark.parametrize(
    ("told", "gate"),
    [("awaiting", AWAITING), ("allowed", ALLOWED), ("prevented", PREVENTED), ("invalid", INVALID), ("ALLOWED", ALLOWED)]
    + [(odd, PREVENTED) for odd in ("", "approved", "allow", "expired", "Allowed!", None, True, 1, ["allowed"])],
)
def test_jira_gate_of_a_deployment(told, gate):
    going = status("Implementing", "indeterminate")
    assert jira.gate_by_deployment("OPS-1", going, {"gatingStatus": told})[0] == gate
    assert jira.gate_by_deployment("OPS-1", None, {"gatingStatus": told})[0] == gate


@pytest.mark.parametrize(
    ("name", "category"), [("Completed", "done"), ("On hold", "indeterminate"), ("Implementing", "")]
)
def test_jira_gate_of_a_deployment_whose_issue_is_over(name, category):
    assert jira.gate_by_deployment("OPS-1", status(name, category), {"gatingStatus": "allowed"})[0] == PREVENTED


ISSUE = {
    "key": "OPS-101",
    "names": {
        "c1": "Planned start",
        "c2": "Planned end",
        "c3": "Change type",
        "c4": "Affected services",
        "c5": "Actual start",
    },
    "fields": {
        "status": {"name": "Implementing", "statusCategory": {"key": "indeterminate"}},
        "updated": "2026-12-01T08:00:00.000+0000",
        "c1": "2026-12-05T23:00:00.000+0300",
        "c2": "2026-12-06T03:00:00.000+0300",
        "c3": {"value": "Normal"},
        "c4": [{"value": "core banking"}, {"name": "oradb01"}, "x", None],
    },
}


def issue(**fields):
    return {**ISSUE, "fields": {**ISSUE["fields"], **fields}}


def test_jira_issue_as_it_is_kept():
    seen = jira.seen(ISSUE, ChangeKey("j", "OPS-101"), (ALLOWED, "Yes."), "https://jira.example")
    assert (seen.state, seen.kind, seen.ci) == ("Implementing", "normal", ("core banking", "oradb01", "x"))
    assert (seen.begins.isoformat(), seen.ends.isoformat()) == (
        "2026-12-05T20:00:00+00:00",
        "2026-12-06T00:00:00+00:00",
    )
    assert (seen.url, seen.sequence) == ("https://jira.example/browse/OPS-101", 1_796_112_000_000)
    later = jira.with_gating(seen, {"updatedTimestamp": "2026-12-01T08:00:05Z"})
    assert later.sequence == 1_796_112_005_000
    assert later.changed > seen.changed
    assert jira.with_gating(seen, {"updateSequenceNumber": 5}).sequence == seen.sequence
    assert jira.with_gating(seen, {"updatedTimestamp": "soon"}) == seen
    assert jira.field_ids(ISSUE, jira.ACTUAL_BEGAN) == ["c5"]


@pytest.mark.parametrize("fields", [{"c1": "2026-12-05"}, {"c1": "soon"}, {"c2": "2026-12-05T22:00:00.000+0300"}])
def test_jira_window_that_cannot_be(fields):
    seen = jira.seen(issue(**fields), ChangeKey("j", "OPS-101"), (ALLOWED, "Yes."), "https://jira.example")
    assert seen.gate == INVALID


def test_jira_another_issue_is_not_taken():
    with pytest.raises(Unreadable, match="not asked for"):
        jira.seen(ISSUE, ChangeKey("j", "OPS-102"), (ALLOWED, "Yes."), "https://jira.example")


def test_jira_an_issue_without_names_tells_no_window():
    seen = jira.seen({**ISSUE, "names": None}, ChangeKey("j", "OPS-101"), (ALLOWED, "Yes."), "https://jira.example")
    assert (seen.begins, seen.kind, seen.ci) == (None, "", ())
    assert jira.field_ids({}, jira.ACTUAL_BEGAN) == []


@pytest.mark.parametrize("found", [{}, {"fields": []}, {"fields": {"status": "x"}}])
def test_jira_issue_without_a_status(found):
    with pytest.raises(Unreadable):
        jira.status_of(found)


def test_jira_status_without_a_category_is_no_going_one():
    assert jira.status_of({"fields": {"status": {"name": "Done"}}}) == status("Done", "")


@pytest.mark.parametrize(
    ("details", "found"),
    [
        (None, ("", "")),
        ([], ("", "")),
        (["x", {"issueKey": "no key"}], ("", "")),
        (
            [{"type": "issue", "issueKey": "OPS-7", "issueLink": "https://j/browse/OPS-7"}],
            ("OPS-7", "https://j/browse/OPS-7"),
        ),
    ],
)
def test_jira_issue_of_a_deployment(details, found):
    assert jira.gated_issue({"details": details}) == found


@pytest.mark.parametrize(
    ("body", "decisions", "last"),
    [
        ({"values": [], "isLastPage": True}, [], True),
        ({"values": [{"finalDecision": "Approved"}]}, ["approved"], True),
        ({"values": [{"finalDecision": "pending"}], "isLastPage": False}, ["pending"], False),
        ({"values": [], "isLastPage": False}, [], True),
        ({"values": [{}]}, [""], True),
    ],
)
def test_jira_pages_of_approvals(body, decisions, last):
    assert jira.decisions_of(body) == (decisions, last)


WAYS = [
    jira.Way("1", "implementing", "indeterminate"),
    jira.Way("2", "canceled", "done"),
    jira.Way("3", "failed", "done"),
]


@pytest.mark.parametrize(
    ("ways", "code", "passed", "ident"),
    [
        (WAYS, "successful", frozenset(), "1"),
        (WAYS, "successful", frozenset({"implementing"}), None),
        (WAYS, "unsuccessful", frozenset(), "3"),
        ([jira.Way("4", "completed", "done"), *WAYS], "successful_issues", frozenset(), "4"),
        ([jira.Way("4", "completed", "done")], "unsuccessful", frozenset(), None),
        ([jira.Way("5", "closed", "done")], "unsuccessful", frozenset(), "5"),
        ([], "successful", frozenset(), None),
    ],
)
def test_jira_way_towards_the_end(ways, code, passed, ident):
    way = jira.towards_end(ways, code, passed)
    assert (way.ident if way else None) == ident


def test_jira_ends():
    assert jira.is_end("Completed", "successful")
    assert jira.is_end("Failed", "unsuccessful")
    assert not jira.is_end("Completed", "unsuccessful")
    assert not jira.is_end("Canceled", "successful")
    body = {"transitions": [{"id": 5, "to": {"name": "Closed", "statusCategory": None}}]}
    assert jira.ways_of(body) == [jira.Way("5", "closed", "")]


@pytest.mark.parametrize(
    ("body", "good", "why"),
    [
        ({"acceptedDeployments": [{}], "rejectedDeployments": []}, True, ""),
        ({"rejectedDeployments": [{"errors": [{"message": "bad"}, "x"]}]}, False, "bad"),
        ({"rejectedDeployments": ["x"]}, False, "no reason given"),
        (
            {"acceptedDeployments": [], "unknownAssociations": [{}]},
            False,
            "it accepts nothing and knows none of the services",
        ),
        ({}, False, "it accepts nothing"),
    ],
)
def test_jira_deployment_handed_in(body, good, why):
    assert jira.rejected(body) == (good, why)


# --- BMC Helix

BMC = {
    "Draft": AWAITING,
    "Request For Authorization": AWAITING,
    "Request For Change": AWAITING,
    "Planning In Progress": AWAITING,
    "Scheduled For Review": AWAITING,
    "Scheduled For Approval": AWAITING,
    "Scheduled": ALLOWED,
    "Implementation In Progress": ALLOWED,
    "Pending": PREVENTED,
    "Rejected": PREVENTED,
    "Completed": PREVENTED,
    "Closed": PREVENTED,
    "Cancelled": PREVENTED,
}
ODD = ("", "6", "7", "Scheduled?", "Under Deliberation", "Approved", "Allowed")


@pytest.mark.parametrize(("word", "gate"), [*BMC.items(), *((word, PREVENTED) for word in ODD)])
@pytest.mark.parametrize("form", [str.lower, str.upper, str])
def test_bmc_statuses(word, gate, form):
    found, why = bmc.gate("CRQ1", form(word))
    assert found == gate
    assert why.startswith("CRQ1 ")
    assert why.endswith(".")


PLAIN = {
    "Infrastructure Change ID": "CRQ000000030001",
    "Change Request Status": "Scheduled",
    "Scheduled Start Date": "2026-12-05T20:00:00.000+0000",
    "Scheduled End Date": 1_796_515_200,
    "ServiceCI": "oradb01",
    "Change Timing": {"label": "Normal"},
    "Last Modified Date": "2026-12-01T08:00:00.000+0000",
}
SNAKE = {
    "change_id": "CRQ000000030001",
    "status": "Scheduled",
    "scheduled_start_date": "2026-12-05T20:00:00Z",
    "scheduled_end_date": "2026-12-06T00:00:00Z",
    "service_ci": {"name": "oradb01"},
    "class": "NORMAL",
    "last_modified_date": "2026-12-01T08:00:00Z",
}
ENVELOPES = (
    lambda one: one,
    lambda one: {"values": one},
    lambda one: {"data": one},
    lambda one: [one],
    lambda one: {"entries": [{"values": one}]},
    lambda one: {"data": [{"values": one}]},
    lambda one: {"result": {"change": one}},
)


@pytest.mark.parametrize(("fields", "envelope"), list(itertools.product((PLAIN, SNAKE), ENVELOPES)))
def test_bmc_change_in_every_form(fields, envelope):
    seen = bmc.seen(bmc.record_of(envelope(fields)), ChangeKey("bmc", "CRQ000000030001"), "https://helix.example")
    assert (seen.gate, seen.state, seen.kind, seen.ci) == (ALLOWED, "Scheduled", "normal", ("oradb01",))
    assert (seen.begins.isoformat(), seen.ends.isoformat()) == (
        "2026-12-05T20:00:00+00:00",
        "2026-12-06T00:00:00+00:00",
    )
    assert seen.sequence == 1_796_112_000_000


DEEP = {"data": {"data": {"data": {"data": {"data": PLAIN}}}}}


@pytest.mark.parametrize("body", [None, [], [PLAIN, PLAIN], {"entries": []}, "x", {"values": "x"}, DEEP])
def test_bmc_answers_without_one_change(body):
    with pytest.raises(Unreadable):
        bmc.seen(bmc.record_of(body), ChangeKey("bmc", "CRQ000000030001"), "https://helix.example")


def test_bmc_another_change_is_not_taken():
    with pytest.raises(Unreadable, match="not asked for"):
        bmc.seen(bmc.record_of(PLAIN), ChangeKey("bmc", "CRQ2"), "https://helix.example")


@pytest.mark.parametrize(
    "more", [{"Scheduled Start Date": "2026-12-05 20:00:00"}, {"Scheduled End Date": "2026-12-05T19:00:00Z"}]
)
def test_bmc_window_that_cannot_be(more):
    seen = bmc.seen(bmc.record_of(PLAIN | more), ChangeKey("bmc", ""), "https://helix.example")
    assert seen.gate == INVALID


def test_bmc_change_that_tells_little():
    seen = bmc.seen(
        bmc.record_of({"status": "Scheduled", "id": "CRQ7", "lastModifiedDate": "?"}),
        ChangeKey("bmc", ""),
        "https://x.example",
    )
    assert (seen.begins, seen.ci, seen.kind, seen.sequence, seen.changed) == (None, (), "", 0, None)


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"two words", b"a.b", b"a.b.c.d", b"\xff.b.c", b'{"token": "a.b.c"}', b"a.b." + b"c" * 9000],
)
def test_bmc_no_token(body):
    with pytest.raises(Unreadable, match="AR-JWT"):
        bmc.token_of(body)


def test_bmc_token():
    assert bmc.token_of(b'"eyJh.eyJz.c-_X"\n') == "eyJh.eyJz.c-_X"


@pytest.mark.parametrize(
    ("body", "notes"),
    [
        (None, []),
        ({}, []),
        ({"x": 1}, []),
        ({"entries": [{"values": {"Detailed Description": "a"}}, "x", {}]}, ["a"]),
        ([{"detailed_description": "a"}, {"notes": "b"}], ["a", "b"]),
        ({"worklogs": [{"text": "a"}]}, ["a"]),
    ],
)
def test_bmc_notes(body, notes):
    assert bmc.notes_of(body) == notes


@pytest.mark.parametrize(
    ("body", "number"),
    [
        (None, ""),
        ({"entries": []}, ""),
        ({"entries": [{"values": {"Vendor Ticket Number": "m", "Infrastructure Change ID": "CRQ7"}}]}, "CRQ7"),
        (
            [
                {"vendor_ticket_number": "other", "change_id": "CRQ6"},
                {"vendor_ticket_number": "m", "change_id": "CRQ7"},
            ],
            "CRQ7",
        ),
        ([{"vendor_ticket_number": "m", "change_id": "7"}], ""),
    ],
)
def test_bmc_change_with_a_ticket(body, number):
    assert bmc.with_ticket(body, "m") == number


def test_bmc_reasons():
    assert [bmc.reason_of(one) for one in ("successful", "successful_issues", "unsuccessful", "x")] == [
        "Successful", "Successful with Issues", "Unsuccessful", "x",
    ]  # fmt: skip


# --- the signed webhook


def document(**more):
    window = {"start": "2026-12-05T20:00:00Z", "end": "2026-12-06T00:00:00Z"}
    return {
        "number": "WH-1",
        "state": "allowed",
        "window": window,
        "type": "Standard",
        "ci": ["a", "", 3, None],
        "sequence": 4,
    } | more


@pytest.mark.parametrize(
    ("told", "gate"),
    [(one.value, one) for one in Gate]
    + [("Allowed", ALLOWED)]
    + [
        (odd, PREVENTED)
        for odd in ("", "approved", "ok", None, True, 1, ["allowed"], {"state": "allowed"}, "allowed\u200b")
    ],
)
def test_webhook_states(told, gate):
    seen = webhook.seen(document(state=told), ChangeKey("wh", "WH-1"))
    assert seen.gate == gate
    assert seen.sentence.endswith(".")


def test_webhook_document_as_it_is_kept():
    told = document(
        sys_id="7", word="Ready", sentence="CAB said yes.", url="https://c.example/7", changed="2026-12-01T08:00:00Z"
    )
    seen = webhook.seen(told, ChangeKey("wh", "WH-1"))
    assert seen.key == ChangeKey("wh", "WH-1", "7")
    assert (seen.state, seen.sentence, seen.kind, seen.ci, seen.sequence) == (
        "Ready",
        "CAB said yes.",
        "standard",
        ("a", "3"),
        4,
    )
    assert (seen.url, seen.ends.hour) == ("https://c.example/7", 0)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "http://c.example", "https://c.example/a b", "https://c.example/\u202e", None, 7]
)
def test_webhook_link_that_leads_astray_is_dropped(url):
    assert webhook.seen(document(url=url), ChangeKey("wh", "WH-1")).url == ""


@pytest.mark.parametrize(
    "window", [{"start": "2026-12-05"}, {"start": "2026-12-06T00:00:00Z", "end": "2026-12-05T00:00:00Z"}]
)
def test_webhook_window_that_cannot_be(window):
    assert webhook.seen(document(window=window), ChangeKey("wh", "WH-1")).gate == INVALID


@pytest.mark.parametrize("body", [None, [], "x", {}, {"number": ""}, {"number": "WH-2", "state": "allowed"}])
def test_webhook_another_document_is_not_taken(body):
    with pytest.raises(Unreadable):
        webhook.seen(body, ChangeKey("wh", "WH-1"))


def test_webhook_document_that_tells_little():
    seen = webhook.seen(
        {"number": "WH-1", "state": "awaiting", "window": "x", "ci": "x", "changed": "x"}, ChangeKey("wh", "")
    )
    assert (seen.begins, seen.ci, seen.changed, seen.sequence) == (None, (), None, 0)
    assert webhook.clashes({"conflicts": ["Backup runs", "", 3]}) == ("Backup runs.", "3.")
    assert webhook.clashes({"conflicts": "x"}) == ()
