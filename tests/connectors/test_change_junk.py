"""Every node of every answer replaced by every kind of junk: read, or refused as unreadable; never anything else, never
text that cannot be stored, and never allowed by a state that is junk."""

from __future__ import annotations

import copy
import json

import pytest

from portal.connectors.change.login import oauth_token
from portal.connectors.change.reading import bmc, jira, leaves, servicenow, webhook
from portal.connectors.change.reading.leaves import Unreadable
from portal.kernel.change import ChangeKey, ChangeSeen, Gate

SYS_ID = "0f4ac6c4b750230096c3e4f6ee11a9fe"
WINDOW = ("2026-12-05T20:00:00Z", "2026-12-06T00:00:00Z")
JUNK = (
    None,
    True,
    0,
    -1,
    10**30,
    float("nan"),
    float("inf"),
    "",
    "\0",
    "\ud800",
    "x\u202ey",
    "z" * 5000,
    "allowed",
    "2026-12-05T20:00:00",
    "9" * 13,
    [],
    {},
    [[]],
    [None],
    [1],
    {"value": {}},
    {"value": []},
)


def both(value):
    return {"value": value, "display_value": value}


SERVICENOW = {
    "result": {
        "number": both("CHG0030004"),
        "sys_id": both(SYS_ID),
        "state": {"value": -2.0, "display_value": "Scheduled"},
        "approval": both("approved"),
        "type": both("normal"),
        "on_hold": both(False),
        "active": both(True),
        "start_date": both("2026-12-05 20:00:00"),
        "end_date": both("2026-12-06 00:00:00"),
        "sys_mod_count": both(3.0),
        "sys_updated_on": both("2026-12-01 08:00:00"),
        "cmdb_ci": both("oradb01"),
    }
}
NEXT = {
    "result": {
        "available_states": ["0", "-1"],
        "state_transitions": [
            [
                {
                    "to_state": "0",
                    "transition_available": False,
                    "conditions": [{"passed": False, "condition": {"name": "x"}}],
                }
            ]
        ],
        "state_label": {"0": "Review"},
    }
}
CONFLICT = {
    "result": {"status": "Conflict", "last_run": "x", "conflicts": [{"type": both("x"), "change": both("CHG1")}]}
}
ISSUE = {
    "key": "OPS-101",
    "names": {"c1": "Planned start", "c2": "Planned end", "c3": "Change type", "c4": "Affected services"},
    "fields": {
        "status": {"name": "Implementing", "statusCategory": {"key": "indeterminate"}},
        "updated": WINDOW[0],
        "c1": WINDOW[0],
        "c2": WINDOW[1],
        "c3": {"value": "Normal"},
        "c4": [{"value": "core banking"}],
        "attachment": [{"filename": "a", "size": 1}],
    },
    "comments": [{"body": "x"}],
}
GATING = {
    "gatingStatus": "allowed",
    "updatedTimestamp": WINDOW[0],
    "details": [{"issueKey": "OPS-101", "issueLink": "x"}],
}
APPROVALS = {"values": [{"finalDecision": "approved"}], "isLastPage": True}
WAYS = {"transitions": [{"id": "1", "to": {"name": "Done", "statusCategory": {"key": "done"}}}]}
HANDED = {
    "acceptedDeployments": [{}],
    "rejectedDeployments": [{"errors": [{"message": "x"}]}],
    "unknownAssociations": [{}],
}
BMC = {
    "entries": [
        {
            "values": {
                "Infrastructure Change ID": "CRQ1",
                "Change Request Status": "Scheduled",
                "Scheduled Start Date": WINDOW[0],
                "Scheduled End Date": WINDOW[1],
                "ServiceCI": "oradb01",
                "Change Timing": {"label": "Normal"},
                "Last Modified Date": WINDOW[0],
            }
        }
    ]
}
DOCUMENT = {
    "number": "WH-1",
    "state": "allowed",
    "sentence": "Yes",
    "type": "normal",
    "window": {"start": WINDOW[0], "end": WINDOW[1]},
    "ci": ["a"],
    "url": "https://c.example",
    "sequence": 3,
    "changed": WINDOW[0],
    "conflicts": ["x"],
}


def read_servicenow(body):
    return servicenow.seen(servicenow.record_of(body), "sn", "https://x.example")


def read_issue(body):
    key = ChangeKey("j", "OPS-101")
    decided = jira.gate_by_status("OPS-101", jira.kind(body), jira.status_of(leaves.row(body, "it")), ["approved"])
    return jira.seen(body, key, decided, "https://x.example")


def read_gating(body):
    found = read_issue(ISSUE)
    opened, why = jira.gate_by_deployment("OPS-101", jira.status_of(ISSUE), body)
    jira.gated_issue(body)
    return jira.with_gating(ChangeSeen(found.key, "", opened, why), body)


READERS = {
    "servicenow": (SERVICENOW, read_servicenow, ("state", "approval")),
    "servicenow list": ({"result": [SERVICENOW["result"]]}, servicenow.records_of, ()),
    "servicenow next": (NEXT, lambda body: servicenow.ways_said(servicenow.next_states(body, "-1")), ()),
    "servicenow conflict": (CONFLICT, lambda body: " ".join(servicenow.clashes(body, "CHG1")), ()),
    "jira issue": (ISSUE, lambda body: read_issue(leaves.row(body, "it")), ("status",)),
    "jira gating": (GATING, lambda body: read_gating(leaves.row(body, "it")), ()),
    "jira approvals": (APPROVALS, jira.decisions_of, ()),
    "jira ways": (WAYS, lambda body: jira.towards_end(jira.ways_of(body), "successful", frozenset()), ()),
    "jira handed": (HANDED, jira.rejected, ()),
    "jira comments": (ISSUE, jira.comments_of, ()),
    "jira files": (ISSUE, jira.files_of, ()),
    "bmc": (
        BMC,
        lambda body: bmc.seen(bmc.record_of(body), ChangeKey("b", "CRQ1"), "https://x.example"),
        ("Change Request Status",),
    ),
    "bmc notes": ({"entries": [{"values": {"Detailed Description": "x"}}]}, bmc.notes_of, ()),
    "webhook": (DOCUMENT, lambda body: webhook.seen(body, ChangeKey("w", "WH-1")), ()),
    "webhook conflicts": (DOCUMENT, lambda body: " ".join(webhook.clashes(body)), ()),
    "token": ({"access_token": "abc", "expires_in": 1800}, oauth_token, ()),
}


def paths(node, before=()):
    yield before
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield from paths(value, (*before, key))


def spoiled(body, path, junk):
    if not path:
        return junk
    found = copy.deepcopy(body)
    node = found
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = junk
    return found


def texts(value):
    if isinstance(value, ChangeSeen):
        yield from (value.state, value.sentence, value.kind, value.url, value.key.number, value.key.sys_id, *value.ci)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize("name", READERS)
def test_junk_is_read_or_refused(name):
    body, read, deciding = READERS[name]
    assert read(copy.deepcopy(body)) is not None
    for path in paths(body):
        for junk in JUNK:
            try:
                found = read(spoiled(body, path, junk))
            except Unreadable as error:
                found = str(error)
            for told in texts(found):
                told.encode()
                assert told.isprintable(), (path, junk, told)
            if isinstance(found, ChangeSeen) and set(path) & set(deciding) and junk != "allowed":
                assert found.gate is not Gate.ALLOWED or still_said(name, path, junk), (path, junk)


def still_said(name, path, junk):
    """ServiceNow's state is told twice, so that one of both may be junk; an approval's label is for people only; and -1
    is Implement."""
    told = [("state", "value"), ("state", "display_value"), ("approval", "display_value")]
    return name == "servicenow" and (tuple(path[-2:]) in told or (path[-1] == "state" and junk == -1))


@pytest.mark.parametrize("junk", JUNK)
def test_refusals_of_any_shape_are_words(junk):
    for body in (junk, {"error": junk}, {"errorMessages": junk}, [junk], {"errors": junk}, {"errors": {"x": junk}}):
        said = leaves.refusal(json.dumps(body).encode())
        assert said.isprintable()
        assert len(said) <= leaves.LONGEST
