"""Jira Service Management, as far as a client of changes sees it (facts/drills-and-evidence.md 4.2): issues with
approvals, comments, attachments and transitions; deployments that are gated, whose issue Jira makes a moment later."""

from __future__ import annotations

import email.parser
import email.policy
import json
import re
import secrets
from datetime import datetime

from lab.change import desk as desks
from lab.change.counter import Ask, Refusal, Reply, basic, by_token, new_token
from lab.change.desk import Change, Desk

STATUS = {
    desks.NEW: ("Planning", "new"),
    desks.ASSESS: ("Awaiting approval", "indeterminate"),
    desks.AUTHORIZE: ("Awaiting CAB approval", "indeterminate"),
    desks.SCHEDULED: ("Awaiting implementation", "indeterminate"),
    desks.IMPLEMENT: ("Implementing", "indeterminate"),
    desks.REVIEW: ("In review", "indeterminate"),
    desks.CLOSED: ("Completed", "done"),
    desks.CANCELED: ("Canceled", "done"),
}
# id of a transition -> where it comes from, where it leads, with which result
WAYS = {
    "11": (desks.SCHEDULED, desks.IMPLEMENT, ""),
    "21": (desks.IMPLEMENT, desks.CLOSED, "Completed"),
    "22": (desks.IMPLEMENT, desks.CLOSED, "Failed"),
    "31": (desks.SCHEDULED, desks.CANCELED, "Canceled"),
    "41": (desks.NEW, desks.ASSESS, ""),
}
GATING = {"approved": "allowed", "rejected": "prevented"}
NAMES = {
    "customfield_10050": "Planned start",
    "customfield_10051": "Planned end",
    "customfield_10005": "Change type",
    "customfield_10043": "Affected services",
    "customfield_10061": "Actual start",
    "customfield_10062": "Actual end",
}
SOON = 1  # looks at a deployment before its issue is there
_ISSUE = re.compile(r"/rest/api/2/issue/([A-Z]+-\d+)(?:/(comment|attachments|transitions))?")
CLOUD = "/jira/deployments/0.1/cloud/11223344-a1b2-3b33-c444-def123456789"
_GATING = re.compile(re.escape(CLOUD) + r"/pipelines/([^/]+)/environments/([^/]+)/deployments/(\d+)/gating-status")
_APPROVAL = re.compile(r"/rest/servicedeskapi/request/([A-Z]+-\d+)/approval")


class Jira:
    """The site."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def sort(self, ask: Ask) -> str:
        if ask.method == "GET":
            return "read"
        if ask.path == "/oauth/token":
            return "login"
        ends = {
            "/comment": "note",
            "/attachments": "attach",
            "/transitions": "close",
            "/issue": "create",
            "/bulk": "create",
        }
        return next((sort for end, sort in ends.items() if ask.path.endswith(end)), "write")

    def login(self, ask: Ask) -> Reply | None:
        if ask.path != "/oauth/token":
            return None
        wanted = {"audience": "api.atlassian.com", "grant_type": "client_credentials", "client_id": "holdfast-gates"}
        if ask.fields() != {**wanted, "client_secret": self.desk.keys[0]} or "login-refused" in self.desk.faults:
            return Reply(401, {"error": "access_denied", "error_description": "Unauthorized"})
        token = secrets.token_urlsafe(48)
        seconds = new_token(self.desk, token)
        return Reply(200, {"access_token": token, "token_type": "Bearer", "expires_in": int(seconds)})

    def known(self, ask: Ask) -> bool:
        if ask.path.startswith(CLOUD):  # never by the site's login
            return by_token(self.desk, ask, "Bearer")
        if ask.headers.get("authorization", "") == f"Bearer {self.desk.password}":  # a personal access token
            return True
        return basic(self.desk, ask)

    def refusal(self, status: int, message: str) -> object:
        return {"errorMessages": [message], "errors": {}}

    def seal(self, reply: Reply) -> Reply:
        return reply

    def perform(self, ask: Ask) -> Reply:
        if found := _ISSUE.fullmatch(ask.path):
            return self._issue(ask, self._by_key(found.group(1)), found.group(2) or "")
        if found := _GATING.fullmatch(ask.path):
            return Reply(200, self._gating("/".join(found.groups())))
        if found := _APPROVAL.fullmatch(ask.path):
            return Reply(200, self._approvals(self._by_key(found.group(1)), ask))
        if ask.path == "/rest/api/2/issue" and ask.method == "POST":
            return self._create(ask.fields())
        if ask.path == "/rest/api/2/search/jql":
            return Reply(200, {"issues": [_label_row(one) for one in self._search(ask.query.get("jql", ""))]})
        if ask.path == f"{CLOUD}/bulk" and ask.method == "POST":
            return Reply(202, self._deploy(ask.fields()))
        raise Refusal(404, "null for uri")

    def _by_key(self, key: str) -> Change:
        change = self.desk.changes.get(key)
        if change is None:
            raise Refusal(404, "Issue does not exist or you do not have permission to see it.")
        return change

    def _issue(self, ask: Ask, change: Change, part: str) -> Reply:
        if part == "comment":
            return self._comments(ask, change)
        if part == "attachments":
            return self._attach(ask, change)
        if part == "transitions":
            return self._transitions(ask, change)
        if ask.method == "PUT":
            given = ask.fields().get("fields")
            fields = given if isinstance(given, dict) else {}
            change.began = str(fields.get("customfield_10061", change.began))
            change.ended = str(fields.get("customfield_10062", change.ended))
            change.begins = _moment(fields.get("customfield_10050")) or change.begins
            change.ends = _moment(fields.get("customfield_10051")) or change.ends
            return Reply(204)
        return Reply(
            200,
            {"id": "1", "key": change.number, "fields": self._fields(change), "names": {"status": "Status", **NAMES}},
        )

    def _fields(self, change: Change) -> dict[str, object]:
        name, category = STATUS[change.state]
        if change.state == desks.CLOSED and change.code:
            name = change.code
        if change.approval == "rejected":
            name, category = "Declined", "done"
        if odd := self.desk.faults.get("odd-state"):
            name = odd["word"]
        if change.hold:
            name = "On hold"
        return {
            "summary": change.short,
            "status": {"name": name, "statusCategory": {"key": category}},
            "updated": change.changed.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000",
            "labels": [change.mark] if change.mark else [],
            "attachment": [{"filename": one, "size": len(raw), "mimeType": media} for one, media, raw in change.files],
            "customfield_10050": _iso(change.begins),
            "customfield_10051": _iso(change.ends),
            "customfield_10005": {"value": change.kind.capitalize()},
            "customfield_10043": [{"value": one} for one in change.ci],
            "customfield_10061": change.began or None,
            "customfield_10062": change.ended or None,
        }

    def _create(self, body: dict[str, object]) -> Reply:
        fields = body.get("fields")
        if not isinstance(fields, dict) or not fields.get("summary") or not fields.get("project"):
            return Reply(400, {"errorMessages": [], "errors": {"summary": "You must specify a summary of the issue."}})
        types = ("[System] Change", "" if "cloud-types" in self.desk.faults else "Change")
        if fields.get("issuetype") not in [{"name": one} for one in types]:
            return Reply(400, {"errorMessages": [], "errors": {"issuetype": "Specify a valid issue type"}})
        labels = fields.get("labels")
        change = self.desk.open(str(fields["summary"]), mark=str(labels[0]) if labels else "")
        change.texts = {"description": str(fields.get("description", ""))}
        self.desk.enter("create", change.number, mark=change.mark)
        return Reply(201, {"id": "1", "key": change.number, "self": ""})

    def _search(self, query: str) -> list[Change]:
        found = re.search(r'labels = "([^"]+)"', query)
        return [one for one in self.desk.changes.values() if found and one.mark == found.group(1)]

    def _comments(self, ask: Ask, change: Change) -> Reply:
        if ask.method == "GET":
            shown = [] if "no-journal" in self.desk.faults else list(reversed(change.notes))
            return Reply(200, {"total": len(shown), "comments": [{"body": one} for one in shown]})
        text = str(ask.fields().get("body", ""))
        change.notes.append(text)
        self.desk.enter("note", change.number, text=text)
        self.desk.touch(change)
        return Reply(201, {"id": "1", "body": text})

    def _attach(self, ask: Ask, change: Change) -> Reply:
        if ask.headers.get("x-atlassian-token") != "no-check":
            raise Refusal(403, "XSRF check failed")
        head = f"Content-Type: {ask.headers.get('content-type', '')}\r\n\r\n".encode()
        parts = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + ask.body)
        for part in parts.iter_parts():
            raw = part.get_payload(decode=True)
            assert isinstance(raw, bytes)
            name = part.get_filename() or ""
            change.files.append((name, part.get_content_type(), raw))
            self.desk.enter("file", change.number, name=name, bytes=len(raw))
        return Reply(200, [{"filename": one} for one, _, _ in change.files])

    def _transitions(self, ask: Ask, change: Change) -> Reply:
        offered = {} if change.hold else {one: way for one, way in WAYS.items() if way[0] == change.state}
        if ask.method == "GET":
            return Reply(200, {"transitions": [_way(one, way[1], way[2]) for one, way in offered.items()]})
        wanted = ask.fields().get("transition")
        ident = str(wanted.get("id")) if isinstance(wanted, dict) else ""
        if ident not in offered:
            raise Refusal(400, "It seems that you have tried to perform an illegal workflow operation.")
        _, state, code = offered[ident]
        change.state, change.code = state, code
        self.desk.enter("state", change.number, state=state)
        if state == desks.CLOSED:
            self.desk.enter("close", change.number, code=code, began=change.began, ended=change.ended)
        self.desk.touch(change)
        return Reply(204)

    def _approvals(self, change: Change, ask: Ask) -> dict[str, object]:
        if "no-service-desk" in self.desk.faults:
            raise Refusal(404, "The request you have specified does not exist")
        words = {"approved": "approved", "rejected": "declined", "requested": "pending"}
        decision = words.get(change.approval)
        listed = [{"id": "1", "name": "CAB", "finalDecision": decision}] if decision else []
        return {"size": len(listed), "start": int(ask.query.get("start", "0")), "isLastPage": True, "values": listed}

    # --- deployments

    def _deploy(self, body: dict[str, object]) -> dict[str, object]:
        accepted, rejected = [], []
        given = body.get("deployments")
        for one in given if isinstance(given, list) else []:
            where = (one["pipeline"]["id"], one["environment"]["id"], one["deploymentSequenceNumber"])
            key = dict(zip(("pipelineId", "environmentId", "deploymentSequenceNumber"), where, strict=True))
            if not any(value for name in one["associations"] for value in name["values"]):
                rejected.append({"key": key, "errors": [{"message": "No associations are known"}]})
                continue
            accepted.append(key)
            self._submit("/".join(map(str, where)), one)
        return {"acceptedDeployments": accepted, "rejectedDeployments": rejected, "unknownAssociations": []}

    def _submit(self, name: str, one: dict[str, object]) -> None:
        """A newer update replaces an older one; an older one is ignored without a word."""
        kept, number = self.desk.extra.get(name), one.get("updateSequenceNumber")
        assert isinstance(number, int)
        before = kept.get("update") if kept else -1
        assert isinstance(before, int)
        if number <= before:
            return
        gated = bool(one.get("commands")) or bool(kept and kept.get("gated"))
        seen = kept or {"looks": 0, "issue": ""}
        self.desk.extra[name] = {
            **seen,
            "update": number,
            "state": one.get("state"),
            "gated": gated,
            "short": one.get("displayName"),
        }
        self.desk.enter("deployment", str(seen["issue"]), state=str(one.get("state")), update=number)

    def _gating(self, name: str) -> dict[str, object]:
        kept = self.desk.extra.get(name)
        if kept is None:
            raise Refusal(404, "No data found for the deployment")
        looks = kept["looks"]
        assert isinstance(looks, int)
        kept["looks"] = looks + 1
        if not kept["issue"] and kept["gated"] and looks >= SOON:
            change = self.desk.open(str(kept["short"]), state=desks.AUTHORIZE)
            change.approval = "requested"
            kept["issue"] = change.number
            self.desk.enter("create", change.number, mark=name)
        pipeline, environment, number = name.split("/")
        found = self.desk.changes.get(str(kept["issue"]))
        return {
            "pipelineId": pipeline,
            "environmentId": environment,
            "deploymentSequenceNumber": int(number),
            "gatingStatus": self._gate(found) if kept["gated"] else "invalid",
            "updatedTimestamp": found.changed.isoformat() if found else None,
            "details": [self._detail(found)] if found else [],
        }

    def _gate(self, change: Change | None) -> str:
        if odd := self.desk.faults.get("odd-state"):
            return odd["word"]
        if change is None:
            return "awaiting"
        over = change.state in (desks.CLOSED, desks.CANCELED) or bool(change.hold)
        return "prevented" if over else GATING.get(change.approval, "awaiting")

    def _detail(self, change: Change) -> dict[str, str]:
        return {"type": "issue", "issueKey": change.number, "issueLink": f"{self.desk.url}/browse/{change.number}"}


def called(change: Change) -> bytes:
    """What an automation rule sends."""
    told = {"issueKey": change.number, "status": STATUS[change.state][0], "updateSequenceNumber": change.sequence}
    return json.dumps(told).encode()


def _way(ident: str, state: str, code: str) -> dict[str, object]:
    name, category = STATUS[state]
    return {"id": ident, "name": code or name, "to": {"name": code or name, "statusCategory": {"key": category}}}


def _label_row(change: Change) -> dict[str, object]:
    return {"key": change.number, "fields": {"labels": [change.mark] if change.mark else []}}


def _iso(moment: datetime | None) -> str | None:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000+0000") if moment else None


def _moment(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value)) if value else None
    except ValueError:
        raise Refusal(400, f"{value} is no date") from None
