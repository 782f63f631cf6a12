"""Who may do what: acts, and roles as sets of acts. The one place; a role is held by being in the group of its name."""

from __future__ import annotations

from dataclasses import dataclass

# act -> how a refusal names it: "X may not <words>."
ACTS = {
    "estate.view": "see the estate",
    "look.now": "ask for a look now",
    "run.view": "see runs",
    "run.start": "start a run",
    "run.abort": "abort a run",
    "run.approve": "approve a run",
    "drill.compose": "compose drill plans",
    "paths.declare": "declare paths",
    "cabling.approve": "approve declared cabling and power",
    "estate.manage": "change the estate's declarations and credentials",
    "hostkey.accept": "accept a host key",
    "access.manage": "manage people, roles and tokens",
    "evidence.view": "see the evidence",
    "evidence.export": "export evidence",
    "objective.manage": "change what is promised of services",
    "downtime.correct": "put the ledger of downtime right",
    "alert.answer": "acknowledge, close or silence alerts",
    "alert.manage": "change who is told of alerts",
    "report.view": "see period reports",
    "report.manage": "define period reports and have them made",
    "issue.manage": "keep issues that drills found",
    "issue.accept": "accept the risk of an issue",
    "change.notify": "report the state of a change",
    "backup.manage": "change backup policies, destinations and recipients",
    "backup.hold": "keep a backup or release it",
    "backup.download": "download a backup",
}

READ = frozenset({"estate.view", "run.view"})
REPORTS = frozenset({"report.view", "report.manage", "issue.manage", "issue.accept"})


@dataclass(frozen=True)
class Role:
    """A title for people and the acts that come with it."""

    title: str
    acts: frozenset[str]


# Nobody's acts let one person both start a run and approve it; an administrator does neither.
ROLES = {
    "viewer": Role("Viewer", READ),
    "operator": Role(
        "Operator",
        READ
        | {"look.now", "run.start", "run.abort", "paths.declare", "backup.hold", "backup.download", "evidence.view"}
        | {"report.view", "issue.manage"}
        | {"drill.compose", "downtime.correct", "alert.answer"},
    ),
    "approver": Role(
        "Approver",
        READ | {"look.now", "run.approve", "cabling.approve", "backup.hold", "evidence.view", "alert.answer"} | REPORTS,
    ),
    "auditor": Role("Auditor", READ | {"evidence.view", "evidence.export", "report.view"}),
    "admin": Role(
        "Administrator",
        READ
        | {"look.now", "estate.manage", "hostkey.accept", "access.manage", "evidence.view"}
        | {"report.view", "report.manage"}
        | {"backup.manage", "backup.download", "objective.manage", "alert.answer", "alert.manage"},
    ),
    "change_system": Role("Change system", READ | {"change.notify"}),
}


def words(act: str) -> str:
    """The act in words. Raises LookupError for an act that does not exist."""
    if act not in ACTS:
        raise LookupError(f"There is no act {act!r}.")
    return ACTS[act]
