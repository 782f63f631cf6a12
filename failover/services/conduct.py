"""What people do with a drill beside approving it: begin it in its window, answer prompts, note its issues, sign."""

from __future__ import annotations

from typing import Any

from backups.services.clock import now as database_now
from failover.models import Attachment, Drill, Prompt
from failover.services import approvals, attachments, change_gate, gates, issues, pairs, readiness, roles, sites
from failover.services.approvals import LONGEST, deciding, run_of, told
from portal.runs import services as runs
from portal.runs import wake
from portal.runs.models import Run
from portal.runs.services import Refused
from portal.runs.services.refused import recorded
from portal.runs.states import ENDED

# kinds of Refused that the state of things causes; the others are mistakes in the wish
CONFLICTS = (
    "drill",
    "active",
    "state",
    "four_eyes",
    "evidence",
    "changed",
    "approval",
    "gate",
    "readiness",
    "window",
    "change",
)
GIVEN_UP = ("held", "ignored", "failed", "skipped")  # states of a step that waits for no answer any more
SEVERITIES = ("low", "medium", "high", "critical")
LONG = 20_000  # characters of what was seen, and of an attachment
ROLES = ("operator", "reviewer", "second line", "third line")


def look(drill: Drill) -> None:
    """Runs the prechecks of the drill's plan now; it takes seconds. Raises Refused where there is nobody to ask."""
    try:
        run = drill.run
        ref, version = (str(run.ref), run.plan_version) if run else ("", None)
        readiness.look(drill.engine, drill.plan, ref=ref, fences=_fenced(drill), version=version)
    except pairs.NoPair as error:
        raise Refused("state", str(error)) from None


def begin(pk: int, by: str, site: str = "") -> Run:
    """Lets an approved drill go, now. The readiness must be fresh; where it is not, it is looked at first. site: its
    name, as the person means it. Raises Refused with what stands in the way."""
    drill = Drill.objects.select_related("run", "engine").get(pk=pk)
    if wrong := sites.wrong(drill.engine, site):
        raise recorded(Refused("parameters", wrong, run=drill.run), by, approvals.subject(drill), {"wish": "begin"})
    if drill.run is not None and drill.run.status in approvals.WAITS and readiness.expired(drill.engine, drill.plan):
        look(drill)
    _as_planned(drill, by)
    _change_lets(drill, by)
    with deciding(pk, by, "begin") as (row, now):
        run = run_of(row)
        if run.status not in approvals.WAITS:
            raise Refused("state", f"{row.title} is {run.status}: it cannot be begun again.", run=run)
        if wrong := gates.agreed(row, now):
            raise Refused("approval", wrong, run=run)
        held = approvals.standing(row, now).approval
        assert held is not None, "it is approved"
        if wrong := gates.calendar(row, now) or gates.maintained(row.engine_id):
            raise Refused("gate", wrong, run=run)
        if others := gates.rivals(run):
            words = f"Run {others[0].pk} ({others[0].title}) is {others[0].status} on {others[0].target_name}"
            raise Refused("active", f"{words}: wait for its end.", run=others[0])
        _ready(row)
        change_gate.keep_window(run)
        told(row, "drill.begun", by, {"approved_by": held.by, "hash": held.hash, "readiness": row.readiness})
        return runs.approve(run.pk, held.by)


def _as_planned(drill: Drill, by: str) -> None:
    """Raises Refused when the pair is not as the drill was planned for; then the approval is void, too."""
    if drill.run is None or drill.run.status not in approvals.WAITS:
        return
    if wrong := roles.voided(drill, roles.changed(drill), database_now()):
        refusal = Refused("approval", wrong, run=drill.run)
        raise recorded(refusal, by, approvals.subject(drill), {"wish": "begin"})


def _change_lets(drill: Drill, by: str) -> None:
    """Raises Refused when the change system, asked now, does not let it begin."""
    if drill.run is None or drill.run.status not in approvals.WAITS:
        return
    if wrong := change_gate.begins(drill, database_now()):
        refusal = Refused("gate", wrong, run=drill.run)
        raise recorded(refusal, by, approvals.subject(drill), {"wish": "begin"})


def _ready(drill: Drill) -> None:
    """Freezes the readiness with which it begins. Raises Refused when it is not go."""
    row = readiness.last(drill.engine, drill.plan)
    if row is None or not readiness.is_ready(row):
        said = readiness.refusals(readiness.checks_of(row)) if row else ["Nobody has looked yet."]
        raise Refused("readiness", *(said or ["No check was made."]), run=drill.run)
    drill.readiness = {"at": row.at.isoformat(), "checks": row.checks, "depends": row.depends}
    drill.save(update_fields=["readiness"])


def _fenced(drill: Drill) -> int:
    given: dict[str, Any] = drill.run.parameters if drill.run else {}
    return int(given["on"]) if given.get("how") == "fence" and "on" in given else 0


def answer(pk: int, by: str, word: str, seen: str, attachment: str = "", upload: Any = None) -> Prompt:
    """A person answers a question of a step. word: done | not_done; seen: what the person saw; attachment: text;
    upload: a file (failover.services.attachments). Raises Refused: it is answered already, its time is over, the run
    has ended, nothing is said, the file is not taken."""
    prompt = Prompt.objects.get(pk=pk)
    seen, attachment = seen.strip(), attachment.strip()
    with deciding(prompt.drill_id, by, "answer") as (drill, now):
        run = run_of(drill)
        if run.status not in Run.ACTIVE:
            raise Refused("state", f"{drill.title} is {run.status}: nobody waits for an answer.")
        if word not in (Prompt.Answer.DONE, Prompt.Answer.NOT_DONE):
            raise Refused("parameters", "Say whether it was done as asked, or was not.")
        if not seen:
            raise Refused("parameters", "Say what was seen: the report quotes it.")
        if len(seen) > LONG or len(attachment) > LONG:
            raise Refused("parameters", f"The text is too long: at most {LONG:,} characters are kept.")
        _waited_for(run, prompt)
        file = attachments.read(upload) if upload is not None else None
        fields = {"answer": word, "by": by, "at": now, "seen": seen, "attachment": attachment}
        if not Prompt.objects.filter(pk=pk, answer="").update(**fields):
            raise Refused("state", "It is answered already.")
        body: dict[str, Any] = {"step": prompt.step, "question": prompt.question, "answer": word, "seen": seen}
        if file is not None:
            attachments.store(drill, file)
            kept = attachments.told(file)
            Attachment.objects.create(prompt=prompt, by=by, at=now, **kept)
            body["file"] = kept
        told(drill, "drill.prompt_answered", by, {**body, "attachment": attachment})
        wake.on_commit(run.pk)
    prompt.refresh_from_db()
    return prompt


def _waited_for(run: Run, prompt: Prompt) -> None:
    """Raises Refused when the step has given up waiting, or asks anew."""
    row = run.steps.filter(name=prompt.step).first()
    if row is not None and row.state in GIVEN_UP:
        raise Refused("state", f"The step waits for no answer any more: it is {row.state}. Retry it to be asked anew.")
    if row is not None and prompt.attempt < row.attempt:
        raise Refused("state", "The step was tried again and asks anew: answer the newer question.")


def note_issue(pk: int, by: str, issue: dict[str, str]) -> None:
    """Adds an issue: title, severity, owner, due ("2026-12-01" or ""), link. The drill's report quotes it as it is
    noted; what becomes of it is kept by failover.services.issues. Raises Refused."""
    title = " ".join(issue.get("title", "").split())[:LONGEST]
    with deciding(pk, by, "note an issue") as (drill, now):
        if not title:
            raise Refused("parameters", "Say in one sentence what is wrong.")
        if issue.get("severity") not in SEVERITIES:
            raise Refused("parameters", f"A severity is one of {', '.join(SEVERITIES)}.")
        _signed(drill)
        row = {
            "title": title,
            "severity": issue["severity"],
            "owner": issue.get("owner", "").strip()[:150],
            "due": issues.day(issue.get("due", "")),
            "accepted_by": issue.get("accepted_by", "").strip()[:150],
            "link": issue.get("link", "").strip()[:300],
        }
        drill.issues = [*drill.issues, row]
        drill.save(update_fields=["issues"])
        told(drill, "drill.issue", by, row)
        issues.noted(drill, by, row, now)


def sign(pk: int, by: str, role: str, words: str) -> None:
    """Signs an ended drill in one role, once; whoever signs as operator does not sign as reviewer. Raises Refused."""
    with deciding(pk, by, "sign") as (drill, now):
        if run_of(drill).status not in ENDED:
            raise Refused("state", f"{drill.title} has not ended: it is signed after its end.")
        if role not in ROLES:
            raise Refused("parameters", f"A role is one of {', '.join(ROLES)}.")
        held = {str(row["role"]): str(row["name"]) for row in drill.signatures}
        if role in held:
            raise Refused("state", f"{held[role]} has signed as {role} already.")
        if by in held.values():
            raise Refused("four_eyes", f"{by} has signed in another role: another person signs as {role}.")
        row = {"role": role, "name": by, "at": now.isoformat(), "words": words.strip()[:LONGEST]}
        drill.signatures = [*drill.signatures, row]
        drill.save(update_fields=["signatures"])
        told(drill, "drill.signed", by, row)


def _signed(drill: Drill) -> None:
    if drill.signatures:
        raise Refused("state", f"{drill.title} is signed: an issue that is found now belongs to the next drill.")
