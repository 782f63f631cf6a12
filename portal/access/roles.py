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
    "estate.manage": "change the estate's declarations and credentials",
    "hostkey.accept": "accept a host key",
    "access.manage": "manage people, roles and tokens",
    "evidence.view": "see the evidence",
    "evidence.export": "export evidence",
    "change.notify": "report the state of a change",
    "backup.manage": "change backup policies, destinations and recipients",
    "backup.hold": "keep a backup or release it",
    "backup.download": "download a backup",
}

READ = frozenset({"estate.view", "run.view"})


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
        | {"drill.compose"},
    ),
    "approver": Role("Approver", READ | {"look.now", "run.approve", "backup.hold", "evidence.view"}),
    "auditor": Role("Auditor", READ | {"evidence.view", "evidence.export"}),
    "admin": Role(
        "Administrator",
        READ
        | {"look.now", "estate.manage", "hostkey.accept", "access.manage", "evidence.view"}
        | {"backup.manage", "backup.download"},
    ),
    "change_system": Role("Change system", READ | {"change.notify"}),
}


def words(act: str) -> str:
    """The act in words. Raises LookupError for an act that does not exist."""
    if act not in ACTS:
        raise LookupError(f"There is no act {act!r}.")
    return ACTS[act]
