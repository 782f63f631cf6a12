"""What a restore into a scratch server proves: four rungs, each one sentence (facts/engine-backup.md 5, V5).

Pure: what came back, what the engine's API knows, and what came back the time before go in; rungs come out. Proven is
only what all four rungs say; unknown is never proven."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from backups.catalog.parts import LABELS, Part, asked, spoken
from backups.catalog.rung import CORE_TABLES, Mark, Rung

NAMES = ("restored", "counts", "inventory", "newest")
PROVEN, FAILED, UNKNOWN = "proven", "failed", "unknown"

# One query for each thing that the engine's API counts too; the engine's own tables, oVirt 4.5 (facts/engine-backup.md
# 5). vm_static holds templates and instance types beside VMs; base_disks holds all disks, also those on Direct LUNs,
# whose LUNs disk_lun_map names.
INVENTORY = {
    "hosts": "select count(*) from public.vds_static",
    "VMs": "select count(*) from public.vm_static where entity_type = 'VM'",
    "disks": "select count(*) from public.base_disks",
    "storage domains": "select count(*) from public.storage_domain_static",
    "Direct LUNs": "select count(*) from public.disk_lun_map",
}
SCHEMA, NEWEST = "schema version", "newest event"
QUESTIONS: Mapping[Part, Mapping[str, str]] = {
    Part.ENGINE: INVENTORY
    | {
        SCHEMA: "select max(version) from public.schema_version",
        NEWEST: "select to_char(max(log_time) at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS') || '+00:00' "
        "from public.audit_log",
    }
}
# Empty between two jobs, logins or transfers: the first six are those that engine-backup itself empties when it
# restores (facts/engine-backup.md 3); the others are the engine's and Keycloak's tables of sessions, running work, what
# guests report while they run, what waits to be imported or answered, and what is kept for some days only.
PASSING = frozenset(
    f"public.{table}"
    for table in (
        "async_tasks", "async_tasks_entities", "business_entity_snapshot", "command_entities", "job", "step",
        "command_assoc_entities", "job_subject_entity", "step_subject_entity", "vm_jobs", "vm_backups",
        "vm_backup_disk_map", "engine_sessions", "image_transfers", "event_queue", "event_notification_hist",
        "vm_guest_agent_interfaces", "unregistered_disks", "unregistered_disks_to_vms", "unregistered_ovf_of_entities",
        "offline_user_session", "offline_client_session", "user_session", "user_session_note", "client_session",
        "client_session_note", "client_session_role", "client_session_auth_status", "client_session_prot_mapper",
        "client_user_session_note", "authentication_session", "user_required_action", "event_entity",
        "admin_event_entity",
    )
)  # fmt: skip
_SHOWN = 5  # names in one sentence
_AHEAD = timedelta(days=1)  # no backup takes longer before it dumps


@dataclass(frozen=True)
class Database:
    """What came back of one dump. rows: table -> counted rows. problem: it did not come back; doubt: that could not be
    found out; both "" when it did. answers: question -> answer, None for none; refused: question -> why. extensions:
    made beforehand; roles: named by the dump, not restored; granted: rights it grants, not restored either."""

    form: str
    rows: Mapping[str, int] = field(default_factory=dict)
    problem: str = ""
    doubt: str = ""
    answers: Mapping[str, str | None] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    server: str = ""
    extensions: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    granted: bool = False
    warnings: str = ""
    seconds: float = 0.0

    @property
    def back(self) -> bool:
        """True when all of it came back."""
        return not (self.problem or self.doubt)


@dataclass(frozen=True)
class Restored:
    """What one rehearsal brought back. server: version of the scratch server. notes: sentences about how it ran. doubt:
    why there was no scratch server at all, or ""."""

    databases: Mapping[Part, Database] = field(default_factory=dict)
    server: str = ""
    notes: tuple[str, ...] = ()
    doubt: str = ""


@dataclass(frozen=True)
class Inventory:
    """What the engine's API counted, keys as in INVENTORY, and when (aware). allowed: how many more or fewer of a kind
    are explained, because the portal saw them come and go between that time and the backup; 0 when not named."""

    seen: datetime
    counts: Mapping[str, int]
    allowed: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Previous:
    """The last rehearsal of this engine that was proven: part -> table -> rows, when, and its schema version."""

    at: datetime
    rows: Mapping[Part, Mapping[str, int]]
    schema: str = ""


@dataclass(frozen=True)
class Known:
    """What a rehearsal is held against. taken: when the backup began (aware). parts: what the engine has, None when
    unknown. scope: words of --scope that it was taken with, () for all. accepted: tables ("engine.public.tags") whose
    emptiness or absence a person has accepted. lag: how much older than the backup the newest event may be;
    engine-backup writes one before it dumps (facts 2)."""

    taken: datetime
    parts: frozenset[Part] | None
    inventory: Inventory | None = None
    previous: Previous | None = None
    accepted: frozenset[str] = frozenset()
    lag: timedelta = timedelta(hours=1)
    scope: tuple[str, ...] = ()


def judge(restored: Restored, known: Known) -> tuple[Rung, ...]:
    """All four rungs, in order."""
    if restored.doubt:
        first = Rung("restored", Mark.UNKNOWN, restored.doubt)
        return (first, *(Rung(name, Mark.SKIPPED, "Nothing was restored, so there is nothing to count.")
                         for name in NAMES[1:]))  # fmt: skip
    return (_restored(restored, known), _counts(restored, known), _inventory(restored, known), _newest(restored, known))


def verdict(rungs: tuple[Rung, ...]) -> str:
    """proven | failed | unknown. A failure that was seen is more certain than what could not be found out."""
    marks = {rung.outcome for rung in rungs}
    if Mark.FAIL in marks:
        return FAILED
    return PROVEN if rungs and marks == {Mark.OK} else UNKNOWN


_ALONE = "It restores no whole engine alone, so it is not called proven: keep backups of all parts, too."


def _restored(restored: Restored, known: Known) -> Rung:
    databases = {part: restored.databases[part] for part in Part if part in restored.databases}
    evidence = (
        *((f"scratch server PostgreSQL {restored.server}",) if restored.server else ()),
        *restored.notes,
        *(line for part, database in databases.items() for line in _shown(part, database)),
    )
    wrong = [
        f"The dump of {LABELS[part]} does not come back: {database.problem.rstrip('.')}."
        for part, database in databases.items() if database.problem
    ]  # fmt: skip
    wrong += [f"The dump of {LABELS[part]} is a {one.form} file." for part, one in databases.items()
              if (one.form == "sqlite") != (part is Part.GRAFANA)]  # fmt: skip
    wrong += [f"The dump of {LABELS[part]} comes back without a table." for part, one in databases.items() if
              one.back and not one.rows]  # fmt: skip
    wanted = (known.parts or frozenset()) & asked(known.scope)
    if lost := wanted - {Part.FILES} - databases.keys():
        wrong.append(f"The archive brings back no {spoken(lost)}, which the engine has.".replace("no the ", "no "))
    left_out = (known.parts or frozenset()) - wanted
    if not databases and not wrong and wanted == {Part.FILES}:
        told = f"Its scope, {','.join(known.scope)}, asks for no database, so there is nothing to restore."
        return Rung("restored", Mark.UNKNOWN, f"{told} {_ALONE}", evidence)
    if wrong or not databases:
        return Rung("restored", Mark.FAIL, " ".join(wrong) or "The archive brings back no database at all.", evidence)
    if doubts := [f"Of {LABELS[part]}: {one.doubt}" for part, one in databases.items() if one.doubt]:
        return Rung("restored", Mark.UNKNOWN, " ".join(doubts), evidence)
    if known.parts is None:
        told = "What the engine has is not known, so nothing can be found missing."
        return Rung("restored", Mark.UNKNOWN, told, evidence)
    told = f"{spoken(frozenset(databases))} came back whole into PostgreSQL {restored.server}."
    told = told[0].upper() + told[1:]
    if left_out:
        told += f" Its scope, {','.join(known.scope)}, leaves out {spoken(left_out)}. {_ALONE}"
        return Rung("restored", Mark.UNKNOWN, told, evidence)
    return Rung("restored", Mark.OK, told, evidence)


def _shown(part: Part, database: Database) -> tuple[str, ...]:
    """Evidence of one database: what came back, and what of the dump was not applied."""
    label = LABELS[part]
    size = f"{len(database.rows)} tables, {sum(database.rows.values())} rows, {database.seconds:.1f} s"
    lines = [f"{part}: {database.form}, {size}"]
    lines += [f"extension {name} was created beforehand in {label}" for name in database.extensions]
    if database.roles:
        lines.append(f"owners that {label} names were not applied: {', '.join(database.roles[:_SHOWN])}")
    if database.granted:
        lines.append(f"rights that {label} grants were not applied")
    if database.warnings:
        lines.append(f"pg_restore warned: {database.warnings}")
    return tuple(lines)


def _counts(restored: Restored, known: Known) -> Rung:
    back = {part: one for part, one in restored.databases.items() if one.back}
    evidence = tuple(f"{part}.{table} {rows}" for part, one in sorted(back.items()) for table, rows in _largest(one))
    if not back:
        return Rung("counts", Mark.SKIPPED, "No database came back, so there are no rows to count.")
    empty = _empty_core(back.get(Part.ENGINE))
    if empty:
        return Rung("counts", Mark.FAIL, f"The engine database came back without rows in {_listed(empty)}.", evidence)
    rows = sum(sum(one.rows.values()) for one in back.values())
    if known.previous is None:
        return Rung("counts", Mark.OK, f"{rows} rows came back; there is no earlier rehearsal to hold them against.",
                    evidence)  # fmt: skip
    return _against(back, known.previous, known.accepted, evidence, rows)


def _empty_core(engine: Database | None) -> list[str]:
    return sorted(table for table in CORE_TABLES if not engine.rows.get(table)) if engine else []


def _against(
    back: Mapping[Part, Database], previous: Previous, accepted: frozenset[str], evidence: tuple[str, ...], rows: int
) -> Rung:
    """Tables that are gone or empty since the last proven rehearsal. An upgrade of the engine drops tables by right."""
    since = f"since the rehearsal of {previous.at:%Y-%m-%d %H:%M}"
    gone, emptied = [], []
    for part, one in sorted(back.items()):
        for table, had in sorted(previous.rows.get(part, {}).items()):
            name = f"{part}.{table}"
            if name in accepted:
                continue
            if table not in one.rows:
                gone.append(name)
            elif had and not one.rows[table] and table not in PASSING:
                emptied.append(f"{name} (had {had})")
    engine = back.get(Part.ENGINE)
    schema = (engine.answers.get(SCHEMA) or "") if engine else ""
    upgraded = bool(schema and previous.schema and schema != previous.schema)
    told = [f"{_listed(emptied)} lost all rows {since}."] if emptied else []
    told += [f"{_listed(gone)} {'is' if len(gone) == 1 else 'are'} gone {since}."] if gone else []
    if emptied or (gone and not upgraded):
        return Rung("counts", Mark.FAIL, " ".join(told) + " Accept it if that was meant.", evidence)
    if told:
        told.append(f"The schema went from {previous.schema} to {schema}.")
        return Rung("counts", Mark.OK, " ".join(told), evidence)
    return Rung("counts", Mark.OK, f"{rows} rows came back; no table is gone or empty {since}.", evidence)


def _largest(database: Database) -> list[tuple[str, int]]:
    return sorted(database.rows.items(), key=lambda item: (-item[1], item[0]))[:_SHOWN]


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _inventory(restored: Restored, known: Known) -> Rung:
    engine = restored.databases.get(Part.ENGINE)
    if engine is None or not engine.back:
        return Rung("inventory", Mark.SKIPPED, "The engine database did not come back, so it was not compared.")
    if known.inventory is None or not known.inventory.counts:
        told = "The portal has not counted this engine through its API, so there is nothing to compare with."
        return Rung("inventory", Mark.UNKNOWN, told)
    return _compared(engine, known.inventory)


def _compared(engine: Database, inventory: Inventory) -> Rung:
    evidence, unanswered, differing, beyond = [], [], [], False
    for kind, live in inventory.counts.items():
        answer = engine.answers.get(kind) or ""
        if not answer.isdigit():
            unanswered.append(f"{kind} ({engine.refused.get(kind, 'it was not asked')})")
            continue
        evidence.append(f"{kind}: {answer} in the backup, {live} through the API")
        if int(answer) != live:
            differing.append(evidence[-1])
            beyond = beyond or abs(int(answer) - live) > inventory.allowed.get(kind, 0)
    seen = f"The API was asked at {inventory.seen:%Y-%m-%d %H:%M}"
    if beyond:
        mark = Mark.FAIL
        told = f"The backup and the engine differ. {'; '.join(differing)}. {seen}; find out which of them is right."
    elif unanswered:
        mark, told = Mark.UNKNOWN, f"The backup's schema does not tell the number of {', '.join(unanswered)}."
    elif differing:
        mark, told = Mark.OK, f"The differences are explained. {'; '.join(differing)}. {seen}."
    else:
        kinds = ", ".join(inventory.counts)
        mark, told = Mark.OK, f"{kinds[0].upper()}{kinds[1:]} are as many as the engine counts. {seen}."
    return Rung("inventory", mark, told, tuple(evidence))


def _newest(restored: Restored, known: Known) -> Rung:
    engine = restored.databases.get(Part.ENGINE)
    if engine is None or not engine.back:
        return Rung("newest", Mark.SKIPPED, "The engine database did not come back, so its events were not looked at.")
    answer = engine.answers.get(NEWEST)
    if answer is None:
        why = engine.refused.get(NEWEST, "audit_log holds no event")
        return Rung("newest", Mark.UNKNOWN, f"The newest event of the backup is not known: {why}.")
    try:
        newest = datetime.fromisoformat(answer)
    except ValueError:
        return Rung("newest", Mark.UNKNOWN, f"The newest event of the backup has no readable time: {answer[:40]!a}.")
    evidence = (f"newest event {newest:%Y-%m-%d %H:%M:%S} UTC", f"backup begun {known.taken:%Y-%m-%d %H:%M:%S %Z}",
                f"schema version {engine.answers.get(SCHEMA) or 'unknown'}")  # fmt: skip
    behind = known.taken - newest
    if behind > known.lag:
        hours = behind.total_seconds() / 3600
        told = (f"The newest event in the backup is {hours:.1f} hours older than the backup. "
                "Find out whether it is of another day, or whether the engine's clock is wrong.")  # fmt: skip
        return Rung("newest", Mark.FAIL, told, evidence)
    if -behind > _AHEAD:
        told = (f"The newest event in the backup is of {newest:%Y-%m-%d %H:%M} UTC, days after the backup began. "
                "Find out whether the engine's clock is wrong, or whether this is another archive.")  # fmt: skip
        return Rung("newest", Mark.FAIL, told, evidence)
    return Rung("newest", Mark.OK, f"The newest event in the backup is of {newest:%Y-%m-%d %H:%M:%S} UTC.", evidence)
