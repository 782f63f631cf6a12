"""Jira Service Management. facts/drills-and-evidence.md 4.2; what it answers is read in reading/jira.py.

Where services are declared, a change is a deployment that Jira gates (Jira Cloud only); elsewhere it is an issue with
approvals. Atlassian takes deployments at an address of its own and by OAuth alone, never by the site's login. The
sys_id of a gated change is "<pipeline>/<environment>/<deployment sequence number>"."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import quote

from portal.connectors.change.https import multipart
from portal.connectors.change.reading import jira as reading
from portal.connectors.change.reading.leaves import NAME, Row, row, rows, stamp, tag, text
from portal.connectors.change.session import Door, Session, once, unknown
from portal.kernel.change import ChangeBusy, ChangeHeld, ChangeKey, ChangeRefused, ChangeSeen, ChangeWanted, Gate

ISSUE, APPROVALS = "/rest/api/2/issue", "/rest/servicedeskapi/request"
TYPES = ("Change", "[System] Change")  # Data Center's name for it, and Jira Cloud's
MOST_STEPS, MOST_PAGES = 6, 10
SOON = 5.0  # seconds after which Jira may know the issue of a deployment
STATES = {"successful": "successful", "successful_issues": "successful", "unsuccessful": "failed"}


@dataclass(frozen=True)
class Jira:
    """project and issue_type: where changes are made; "" for the type's usual names. services: ids of the services
    whose deployments are gated. pipeline, environment: the names under which the portal hands deployments in. gates:
    where Atlassian takes deployments, with a login of their own; None where no service is declared."""

    door: Door
    project: str = ""
    issue_type: str = ""
    services: tuple[str, ...] = ()
    pipeline: str = "holdfast"
    environment: str = "production"
    gates: Door | None = None
    clock: Callable[[], float] = time.time

    def read(self, key: ChangeKey) -> ChangeSeen:
        """The change as it stands now. Raises ChangeFailed."""
        if flaw := _flaw(key):
            return ChangeSeen(key, "", Gate.INVALID, flaw)
        with self.door.open() as session:
            try:
                return self._gated(session, key) if key.sys_id else self._approved(session, key)
            except ChangeRefused as error:
                if error.status != 404:
                    raise
                return unknown(session, key)

    def create(self, wanted: ChangeWanted) -> ChangeSeen:
        """Asks for a change: a deployment to be gated, or an issue. Raises ChangeFailed; ChangeBusy while Jira has not
        made the issue of a deployment yet: asking again with the same mark finds it."""
        if wanted.mark:
            tag(wanted.mark)
        with self.door.open(2.0) as session:
            return self._deploy(session, wanted) if self.services else self._make(session, wanted)

    def find(self, wanted: ChangeWanted) -> ChangeSeen | None:
        """The deployment of this mark, or the issue with its label. Raises ChangeFailed."""
        tag(wanted.mark)
        with self.door.open(2.0) as session:
            if not self.services:
                number = self._labelled(session, wanted.mark)
                return self._approved(session, ChangeKey(session.talk.endpoint.name, number)) if number else None
            try:
                return self._gate_of(session, self._deployment(wanted))
            except ChangeRefused as error:
                if error.status != 404:
                    raise
                return None

    def note(self, key: ChangeKey, text_: str, mark: str) -> None:
        """Adds an internal comment unless one with this mark is there. Raises ChangeFailed."""
        mine = tag(mark)
        with self.door.open(2.0) as session:
            issue = self._number(session, key)
            once(lambda: self._commented(session, issue, mine), lambda: self._comment(session, issue, text_, mine))

    def attach(self, key: ChangeKey, name: str, media_type: str, content: bytes, mark: str) -> None:
        """Attaches a file unless one of this name and size is there. Raises ChangeFailed."""
        with self.door.open(3.0) as session:
            issue = self._number(session, key)
            body, media = multipart(name, media_type, content)
            once(
                lambda: self._attached(session, issue, name, len(content)),
                lambda: session.put_file(
                    f"{ISSUE}/{issue}/attachments", body, media, {"X-Atlassian-Token": "no-check"}
                ),
            )

    def close(self, key: ChangeKey, began: datetime, ended: datetime, code: str, notes: str) -> None:
        """Writes times and result as a comment and in the fields that there are, and takes the transitions that Jira
        offers. Raises ChangeFailed."""
        told = f"{notes}\nResult: {code}. Began {stamp(began)}, ended {stamp(ended)}."
        with self.door.open(3.0) as session:
            issue = self._number(session, key)
            mine = tag(f"close-{code}")
            once(lambda: self._commented(session, issue, mine), lambda: self._comment(session, issue, told, mine))
            self._write_times(session, issue, {reading.ACTUAL_BEGAN: began, reading.ACTUAL_ENDED: ended})
            self._transit(session, issue, code)
            if key.sys_id:
                self._hand_in(session, key.sys_id, issue, "", STATES.get(code, "unknown"))

    def clashes(self, key: ChangeKey) -> tuple[str, ...]:
        """Always empty: Jira shows conflicts on its screens only."""
        return ()

    @contextmanager
    def _gate(self, session: Session) -> Iterator[Session]:
        """Where deployments are asked for."""
        if self.gates is None:
            name = session.talk.endpoint.name
            raise ChangeRefused(f"{name} has no login for deployments. Enter cloud_id and client_id of its options.")
        with self.gates.open() as gate:
            yield gate

    # --- reading

    def _approved(self, session: Session, key: ChangeKey) -> ChangeSeen:
        issue = self._issue(session, key.number)
        with session.reading("GET issue"):
            status, kind = reading.status_of(issue), reading.kind(issue)
        decisions = self._decisions(session, key.number)
        with session.reading("GET issue"):
            decided = reading.gate_by_status(key.number, kind, status, decisions)
            return reading.seen(issue, key, decided, session.talk.endpoint.base)

    def _gated(self, session: Session, key: ChangeKey) -> ChangeSeen:
        gating = self._gating(session, key.sys_id)
        number, link = reading.gated_issue(gating)
        if key.number and number and number != key.number:
            return ChangeSeen(key, "", Gate.INVALID, f"The deployment of {key.number} is gated by {number} in Jira.")
        # anybody can name a deployment: where Jira does not say which change it belongs to, it is not told as its own
        told, number = key.sys_id if number or not key.number else "", number or key.number
        if not number:
            opened, why = reading.gate_by_deployment(key.sys_id, None, gating)
            return reading.with_gating(ChangeSeen(key, "", opened, why, url=link), gating)
        issue = self._issue(session, number)
        with session.reading("GET issue"):
            decided = reading.gate_by_deployment(number, reading.status_of(issue), gating)
            own = replace(key, number=number, sys_id=told)
            found = reading.seen(issue, own, decided, session.talk.endpoint.base)
            return reading.with_gating(found, gating)

    def _issue(self, session: Session, number: str) -> Row:
        found = session.get(f"{ISSUE}/{number}?expand=names")
        with session.reading("GET issue"):
            return row(found, "the issue")

    def _gating(self, session: Session, sys_id: str) -> Row:
        with self._gate(session) as gate:
            found = gate.get(f"/{_where(sys_id)}/gating-status")
        with session.reading("GET gating-status"):
            return row(found, "the gating status")

    def _decisions(self, session: Session, number: str) -> list[str]:
        """All of them. An issue that is no request of the service desk has none (404)."""
        found: list[str] = []
        for _ in range(MOST_PAGES):
            path = f"{APPROVALS}/{number}/approval?start={len(found)}&limit=50"
            try:
                body = session.get(path, {"X-ExperimentalApi": "opt-in"})
            except ChangeRefused as error:
                if error.status != 404:
                    raise
                return []
            with session.reading("GET approval"):
                page, last = reading.decisions_of(body)
            found += page
            if last:
                return found
        raise ChangeRefused(f"{number} has more approvals than the portal reads. Look at it in Jira.")

    def _number(self, session: Session, key: ChangeKey) -> str:
        if flaw := _flaw(key):
            raise ChangeRefused(flaw, status=404)
        if key.number:
            return key.number
        number, _ = reading.gated_issue(self._gating(session, key.sys_id))
        if not number:
            raise ChangeBusy(f"Jira has made no issue for {key.sys_id} yet. It is asked again later.", wait=SOON)
        return number

    # --- writing

    def _make(self, session: Session, wanted: ChangeWanted) -> ChangeSeen:
        if not self.project:
            name = session.talk.endpoint.name
            raise ChangeRefused(f"No project is set in which {name} makes changes. Enter its key.")
        if wanted.mark and (number := self._labelled(session, wanted.mark)):
            return self._approved(session, ChangeKey(session.talk.endpoint.name, number))
        made = self._issue_of_type(session, self._fields(wanted, _label(wanted.mark)))
        with session.after():
            with session.reading("POST issue"):
                number = text(row(made, "the issue").get("key"))
            self._write_times(session, number, {reading.BEGINS: wanted.begins, reading.ENDS: wanted.ends})
            return self._approved(session, ChangeKey(session.talk.endpoint.name, number))

    def _issue_of_type(self, session: Session, fields: Mapping[str, object]) -> object:
        """Tries the names that the type has in one edition and the other; a type that is not there makes nothing."""
        names = (self.issue_type,) if self.issue_type else TYPES
        for name in names[:-1]:
            try:
                return session.send("POST", ISSUE, {"fields": {**fields, "issuetype": {"name": name}}})
            except ChangeRefused as error:
                if error.status != 400 or "issue type" not in str(error).lower():
                    raise
        return session.send("POST", ISSUE, {"fields": {**fields, "issuetype": {"name": names[-1]}}})

    def _labelled(self, session: Session, mark: str) -> str:
        """The key of the issue with this mark's label; "" when there is none."""
        label = _label(mark)
        query = quote(f'project = "{self.project}" AND labels = "{label}"')
        asked = f"?jql={query}&fields=labels&maxResults=2"
        # Jira Cloud has taken the older call away, Data Center does not have the newer one
        found = session.look(f"/rest/api/2/search/jql{asked}") or session.get(f"/rest/api/2/search{asked}")
        with session.reading("GET search"):
            there = rows(row(found, "the search").get("issues"), "the issues")
            return next((text(one.get("key")) for one in there if label in _labels(one)), "")

    def _fields(self, wanted: ChangeWanted, label: str) -> dict[str, object]:
        """The fields that every Jira has; what a project adds is in the description."""
        about = (
            f"{wanted.description}\n\nPlan: {wanted.plan}\n\nBack-out: {wanted.backout}\n\n"
            f"Window: {stamp(wanted.begins)} to {stamp(wanted.ends)}. Type: {wanted.kind}. "
            f"Configuration items: {', '.join(wanted.ci) or 'none'}."
        )
        return {
            "project": {"key": self.project},
            "summary": " ".join(wanted.short.split())[:250],
            "description": about,
            "labels": [label] if wanted.mark else [],
        }

    def _deployment(self, wanted: ChangeWanted) -> str:
        """Its number comes from window and mark: a repeat is the same deployment, a later one has a larger number."""
        digest = int(hashlib.sha256(wanted.mark.encode()).hexdigest(), 16)
        number = int(wanted.begins.timestamp()) * 10_000 + digest % 10_000
        return f"{self.pipeline}/{self.environment}/{number}"

    def _deploy(self, session: Session, wanted: ChangeWanted) -> ChangeSeen:
        sys_id = self._deployment(wanted)
        with self._gate(session) as gate:
            known = gate.look(f"/{_where(sys_id)}/gating-status")
        if known is None:
            self._hand_in(session, sys_id, "", wanted.short, "pending")
        with session.after():
            return self._gate_of(session, sys_id)

    def _gate_of(self, session: Session, sys_id: str) -> ChangeSeen:
        name = session.talk.endpoint.name
        found = self._gated(session, ChangeKey(name, "", sys_id))
        if not found.key.number and found.gate is Gate.AWAITING:
            raise ChangeBusy(f"{name} took the deployment and has made no change for it yet.", wait=SOON)
        return found

    def _hand_in(self, session: Session, sys_id: str, issue: str, short: str, state: str) -> None:
        pipeline, environment, number = sys_id.split("/")
        base = session.talk.endpoint.base
        names = [{"associationType": "serviceIdOrKeys", "values": list(self.services)}]
        names += [{"associationType": "issueIdOrKeys", "values": [issue]}] if issue else []
        deployment: dict[str, object] = {
            "schemaVersion": "1.0",
            "deploymentSequenceNumber": int(number),
            "updateSequenceNumber": int(self.clock() * 1000),
            "associations": names,
            "displayName": short or issue,
            "url": base,
            "description": short or issue,
            "lastUpdated": stamp(datetime.fromtimestamp(self.clock(), UTC)),
            "state": state,
            "pipeline": {"id": pipeline, "displayName": pipeline, "url": base},
            "environment": {"id": environment, "displayName": environment, "type": "production"},
        }
        if state == "pending":
            deployment["commands"] = [{"command": "initiate_deployment_gating"}]
        with self._gate(session) as gate:
            answer = gate.send("POST", "/bulk", {"deployments": [deployment]})
        with session.reading("POST deployments"):
            good, why = reading.rejected(answer)
        if not good:
            raise ChangeRefused(f"{session.talk.endpoint.name} does not take the deployment: {why}.")

    def _commented(self, session: Session, issue: str, mine: str) -> bool:
        found = session.look(f"{ISSUE}/{issue}/comment?orderBy=-created&maxResults=200")
        return any(mine in one for one in reading.comments_of(found))

    def _comment(self, session: Session, issue: str, told: str, mine: str) -> None:
        internal = {"key": "sd.public.comment", "value": {"internal": True}}
        session.send("POST", f"{ISSUE}/{issue}/comment", {"body": f"{told}\n{mine}", "properties": [internal]})

    def _attached(self, session: Session, issue: str, name: str, size: int) -> bool:
        found = session.get(f"{ISSUE}/{issue}?fields=attachment")
        return (name, str(size)) in reading.files_of(found)

    def _write_times(self, session: Session, issue: str, times: Mapping[tuple[str, ...], datetime]) -> None:
        """times: names of a field -> when. Only where this Jira has such fields; one on no screen is refused, and the
        description or a comment tells the times."""
        found = self._issue(session, issue)
        fields = {one: stamp(at) for names, at in times.items() for one in reading.field_ids(found, names)}
        if not fields:
            return
        try:
            session.send("PUT", f"{ISSUE}/{issue}", {"fields": fields})
        except ChangeRefused as error:
            if error.status != 400:
                raise

    def _transit(self, session: Session, issue: str, code: str) -> None:
        passed: set[str] = set()
        for _ in range(MOST_STEPS):
            found = self._issue(session, issue)
            with session.reading("GET issue"):
                status = reading.status_of(found)
            if reading.is_end(status.name, code):
                return
            if status.category == "done":
                raise _over(issue, status.name)
            if status.name.lower() in passed:
                raise _stuck(issue, status.name, "its status does not move on")
            passed.add(status.name.lower())
            offered = session.get(f"{ISSUE}/{issue}/transitions")
            with session.reading("GET transitions"):
                ways = reading.ways_of(offered)
            way = reading.towards_end(ways, code, frozenset(passed))
            if way is None:
                said = ", ".join(one.to for one in ways) or "none"
                raise _stuck(issue, status.name, f"the transitions that Jira offers lead to {said}")
            session.send("POST", f"{ISSUE}/{issue}/transitions", {"transition": {"id": way.ident}})
        raise _stuck(issue, "open", "it takes more steps than a change has")


def _stuck(issue: str, status: str, why: str) -> ChangeHeld:
    """People can move it on."""
    hint = "Close it there, or move it on: the portal tries again."
    return ChangeHeld(f'{issue} stays "{status}" in Jira: {why}. {hint}', status=409)


def _over(issue: str, status: str) -> ChangeRefused:
    """It has an end that is not the one of this result."""
    why = "its status does not move on. Give up its closing, or correct the result there"
    return ChangeRefused(f'{issue} stays "{status}" in Jira: {why}.', status=409)


def _flaw(key: ChangeKey) -> str:
    if key.sys_id and not reading.DEPLOYMENT.fullmatch(key.sys_id):
        return f"{key.sys_id} names no deployment: <pipeline>/<environment>/<number>."
    if key.number and not NAME.fullmatch(key.number):
        return f"{key.number} is no issue key of Jira, such as OPS-123."
    return "" if key.number or key.sys_id else "No issue key is given."


def _where(sys_id: str) -> str:
    pipeline, environment, number = sys_id.split("/")
    return f"pipelines/{pipeline}/environments/{environment}/deployments/{number}"


def _label(mark: str) -> str:
    """A label has no spaces and few signs: the mark's digest."""
    return f"holdfast-{hashlib.sha256(mark.encode()).hexdigest()[:20]}"


def _labels(issue: Row) -> list[object]:
    fields = issue.get("fields")
    found = fields.get("labels") if isinstance(fields, dict) else None
    return found if isinstance(found, list) else []
