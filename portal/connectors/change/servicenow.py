"""ServiceNow by its Change Management API. facts/drills-and-evidence.md 4.1; what it answers is read in
reading/servicenow.py.

States are moved only to what the instance offers for this change. A work note is known again by its mark in the
journal, an attachment by its name and content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote, urlencode

from portal.connectors.change.reading import servicenow as reading
from portal.connectors.change.reading.leaves import NAME, Row, Unreadable, rows, tag, text
from portal.connectors.change.reading.servicenow import field
from portal.connectors.change.session import Door, Session, unknown
from portal.kernel.change import ChangeFailed, ChangeHeld, ChangeKey, ChangeRefused, ChangeSeen, ChangeWanted, Gate

CHANGE = "/api/sn_chg_rest/change"
TABLE, ATTACHMENT = "/api/now/table", "/api/now/attachment"
MOST_STEPS = 6  # states on the way to the end
CLOSE_TIMES = 3.0  # a close is many requests


@dataclass(frozen=True)
class ServiceNow:
    """template: sys_id of the standard change template that standard changes are made from, "" for none."""

    door: Door
    template: str = ""

    def read(self, key: ChangeKey) -> ChangeSeen:
        """The change as it stands now. Raises ChangeFailed."""
        with self.door.open() as session:
            return self._read(session, key)

    def create(self, wanted: ChangeWanted) -> ChangeSeen:
        """Asks for a change, with the mark as its correlation id. Raises ChangeFailed."""
        with self.door.open(2.0) as session:
            there = self._made(session, wanted.mark) if wanted.mark and tag(wanted.mark) else None
            if there is not None:
                return self._seen(session, there)
            ci = self._ci(session, wanted.ci[0]) if wanted.ci else ""
            made = session.send("POST", self._made_at(session, wanted.kind), _fields(wanted, ci))
            with session.after(), session.reading("POST change"):
                return self._seen(session, reading.record_of(made))

    def find(self, wanted: ChangeWanted) -> ChangeSeen | None:
        """The change with this correlation id. Raises ChangeFailed."""
        tag(wanted.mark)
        with self.door.open() as session:
            there = self._made(session, wanted.mark)
            return self._seen(session, there) if there is not None else None

    def note(self, key: ChangeKey, text_: str, mark: str) -> None:
        """Adds a work note unless one with this mark is in the journal. Raises ChangeFailed, also when the instance
        says that it went well and leaves the note out, as it does with what the account may not write."""
        mine = tag(mark)
        with self.door.open(2.0) as session:
            sys_id = self._sys_id(session, key)
            if self._noted(session, sys_id, mine):
                return
            session.send("PATCH", f"{CHANGE}/{sys_id}", {"work_notes": f"{text_}\n{mine}"})
            with session.after():
                left_out = self._noted(session, sys_id, mine) is False
            if left_out:
                name = session.talk.endpoint.name
                raise ChangeHeld(f"{name} takes the note and leaves it out. Let the account write work notes there.")

    def attach(self, key: ChangeKey, name: str, media_type: str, content: bytes, mark: str) -> None:
        """Attaches a file unless one of this name and content is there. Raises ChangeFailed."""
        with self.door.open(3.0) as session:
            sys_id = self._sys_id(session, key)
            if self._attached(session, sys_id, name, content):
                return
            where = {"table_name": "change_request", "table_sys_id": sys_id, "file_name": name}
            session.put_file(f"{ATTACHMENT}/file?{urlencode(where)}", content, media_type)

    def close(self, key: ChangeKey, began: datetime, ended: datetime, code: str, notes: str) -> None:
        """Closes by the states that the instance offers. Raises ChangeFailed; what was reached until then stays."""
        end = {
            "close_code": code,
            "close_notes": notes,
            "work_start": reading.told(began),
            "work_end": reading.told(ended),
        }
        with self.door.open(CLOSE_TIMES) as session:
            record = self._record(session, key)
            if key.number not in ("", field(record, "number").value):
                raise self._over(session, record, f"it has the sys_id that was kept for {key.number}")
            for _ in range(MOST_STEPS):
                if self._ended(session, record, code):
                    return
                record = self._step(session, record, end)
            raise self._stuck(session, record, "it takes more steps than a change has")

    def clashes(self, key: ChangeKey) -> tuple[str, ...]:
        """The conflicts of the instance's last check. Raises ChangeFailed."""
        with self.door.open() as session:
            sys_id = self._sys_id(session, key)
            found = session.get(f"{CHANGE}/{sys_id}/conflict")
            with session.reading("GET conflict"):
                return reading.clashes(found, key.number)

    # --- reading

    def _read(self, session: Session, key: ChangeKey) -> ChangeSeen:
        flaw = _flaw(key)
        if flaw:
            return _invalid(key, flaw)
        try:
            found = self._seen(session, self._record(session, key))
        except ChangeRefused as error:
            if error.status != 404:
                raise
            found = None
        if found is not None and key.number in ("", found.key.number):
            return found
        if key.sys_id and key.number:  # the number is what people approve: a sys_id that is not its own says nothing
            return self._read(session, replace(key, sys_id=""))
        return unknown(session, key)

    def _record(self, session: Session, key: ChangeKey) -> Row:
        """By sys_id where it is known, else by number. Raises ChangeRefused with status 404 when there is none."""
        if key.sys_id:
            found = session.get(f"{CHANGE}/{quote(key.sys_id, safe='')}")
            with session.reading("GET change"):
                return reading.record_of(found)
        same = [
            one
            for one in self._records(session, f"number={key.number}")
            if key.number and field(one, "number").value == key.number
        ]
        if len(same) == 1:
            return same[0]
        name = session.talk.endpoint.name
        raise ChangeRefused(f"{name} knows {len(same) or 'no'} change {key.number}.", status=404)

    def _records(self, session: Session, query: str) -> list[Row]:
        found = session.get(f"{CHANGE}?{urlencode({'sysparm_query': query, 'sysparm_limit': 10})}")
        with session.reading("GET change"):
            return reading.records_of(found)

    def _seen(self, session: Session, record: Row) -> ChangeSeen:
        end = session.talk.endpoint
        with session.reading("GET change"):
            return reading.seen(record, end.name, end.base)

    def _sys_id(self, session: Session, key: ChangeKey) -> str:
        if flaw := _flaw(key):
            raise ChangeRefused(flaw, status=404)
        return key.sys_id or field(self._record(session, key), "sys_id").value

    # --- writing

    def _made(self, session: Session, mark: str) -> Row | None:
        found = self._records(session, f"correlation_id={mark}")
        return next((one for one in found if field(one, "correlation_id").value == mark), None)

    def _ci(self, session: Session, name: str) -> str:
        """The sys_id of a configuration item: a field that names another record takes nothing else. "" when it is not
        known, or there are several: the description names it then."""
        if reading.SYS_ID.fullmatch(name):
            return name
        if "^" in name:  # it would be a query of its own
            return ""
        where = {"sysparm_query": f"name={name}", "sysparm_fields": "sys_id,name", "sysparm_limit": 2}
        found = _list(session.look(f"{TABLE}/cmdb_ci?{urlencode(where)}"))
        same = {text(one.get("sys_id")) for one in found if text(one.get("name")) == name}
        return same.pop() if len(same) == 1 else ""

    def _made_at(self, session: Session, kind: str) -> str:
        if kind == "standard":
            if not self.template:
                name = session.talk.endpoint.name
                raise ChangeRefused(
                    f"{name} makes standard changes from a template, and none is set. Enter its sys_id."
                )
            return f"{CHANGE}/standard/{quote(self.template, safe='')}"
        return f"{CHANGE}/{'emergency' if kind == 'emergency' else 'normal'}"

    def _noted(self, session: Session, sys_id: str, mine: str) -> bool | None:
        """The journal is asked first; an account that may not read it gets no rows there, so the record's own text is
        asked as well. None when neither shows anything: there may be notes that the account does not see."""
        query = f"element_id={sys_id}^element=work_notes"
        where = {"sysparm_query": f"{query}^ORDERBYDESCsys_created_on", "sysparm_fields": "value", "sysparm_limit": 200}
        journal = _texts(session.look(f"{TABLE}/sys_journal_field?{urlencode(where)}"), "value")
        if any(mine in one for one in journal):
            return True
        if journal:
            return False
        shown = {"sysparm_display_value": "true", "sysparm_fields": "work_notes"}
        notes = _texts(session.look(f"{TABLE}/change_request/{sys_id}?{urlencode(shown)}"), "work_notes")
        return any(mine in one for one in notes) if notes else None

    def _attached(self, session: Session, sys_id: str, name: str, content: bytes) -> bool:
        where = {"sysparm_query": f"table_sys_id={sys_id}", "sysparm_limit": 200}
        found = session.look(f"{ATTACHMENT}?{urlencode(where)}")
        digest = hashlib.sha256(content).hexdigest()
        for one in _list(found):
            told = text(one.get("hash")).lower()
            alike = told == digest if told else text(one.get("size_bytes")) == str(len(content))
            if text(one.get("file_name")) == name and alike:
                return True
        return False

    def _ended(self, session: Session, record: Row, code: str) -> bool:
        state = reading.word(field(record, "state"))
        if state == reading.CANCELED:
            raise self._over(session, record, "it is canceled")
        if state != reading.CLOSED:
            return False
        theirs = field(record, "close_code").value
        if theirs != code:
            raise self._over(session, record, f'it is closed already, as "{theirs}"')
        return True

    def _step(self, session: Session, record: Row, end: Mapping[str, str]) -> Row:
        sys_id, state = field(record, "sys_id").value, field(record, "state")
        offered = self._next(session, sys_id, state.value)
        chosen = reading.towards_end(offered, reading.word(state))
        if chosen is None:
            raise self._stuck(session, record, reading.ways_said(offered))
        last = reading.word(reading.Field(chosen.value, chosen.label)) == reading.CLOSED
        session.send("PATCH", f"{CHANGE}/{sys_id}", {"state": chosen.value, **(end if last else {})})
        after = self._record(session, ChangeKey("", "", sys_id))
        if field(after, "state").value == state.value:
            raise self._stuck(session, after, f"it took {chosen.label} and stays")
        return after

    def _next(self, session: Session, sys_id: str, current: str) -> list[reading.Next]:
        """Older releases name the call nextstate, newer ones nextstates."""
        found = session.look(f"{CHANGE}/{sys_id}/nextstates")
        if found is None:
            found = session.get(f"{CHANGE}/{sys_id}/nextstate")
        with session.reading("GET nextstates"):
            return reading.next_states(found, current)

    def _stuck(self, session: Session, record: Row, why: str) -> ChangeFailed:
        """People can move it on."""
        hint = "Close it there, or move it on: the portal tries again."
        return ChangeHeld(f"{_stays(session, record)}: {why}. {hint}", status=409)

    def _over(self, session: Session, record: Row, why: str) -> ChangeFailed:
        """Nobody moves it any more."""
        hint = "Give up its closing, or correct the result there."
        return ChangeRefused(f"{_stays(session, record)}: {why}. {hint}", status=409)


def _stays(session: Session, record: Row) -> str:
    number, state = field(record, "number").value, field(record, "state").label
    return f"{number} stays {state} in {session.talk.endpoint.name}"


def _flaw(key: ChangeKey) -> str:
    if key.sys_id and not reading.SYS_ID.fullmatch(key.sys_id):
        return f"{key.sys_id} is no sys_id of ServiceNow, which is 32 hex digits."
    if not key.sys_id and not NAME.fullmatch(key.number):
        return f"{key.number or 'Nothing'} is no number of a ServiceNow change, such as CHG0030004."
    return ""


def _invalid(key: ChangeKey, why: str) -> ChangeSeen:
    return ChangeSeen(key, "", Gate.INVALID, why)


def _fields(wanted: ChangeWanted, ci: str) -> dict[str, object]:
    about = f"\n\nConfiguration items: {', '.join(wanted.ci)}." if wanted.ci and not ci else ""
    fields: dict[str, object] = {
        "short_description": wanted.short,
        "description": wanted.description + about,
        "implementation_plan": wanted.plan,
        "backout_plan": wanted.backout,
        "start_date": reading.told(wanted.begins),
        "end_date": reading.told(wanted.ends),
        "correlation_id": wanted.mark,
        "correlation_display": "Holdfast",
    }
    return fields | ({"cmdb_ci": ci} if ci else {})


def _list(body: object) -> list[Row]:
    """The rows of an answer; none when it has none that can be read."""
    result = body.get("result") if isinstance(body, Mapping) else None
    try:
        return rows(result if isinstance(result, list) else [result], "the rows")
    except Unreadable:
        return []


def _texts(body: object, name: str) -> list[str]:
    return [told for one in _list(body) if (told := text(one.get(name)) or field(one, name).value)]
