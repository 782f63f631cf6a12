"""The policy that replaces an existing backup job: proposed from its crontab and scripts, none of which is ever run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from backups.catalog.crontab import Entry, read, shown
from backups.catalog.crontab_dangers import Danger, dangers
from backups.catalog.crontab_flow import follow
from backups.catalog.crontab_script import Deletion, Does, Sending, Taking, understand
from backups.catalog.crontab_shell import LITERAL
from backups.catalog.parts import NAMES
from backups.catalog.retention import RecoveryWindow, Redundancy

USUAL_FOLDER = "/var/lib/ovirt-engine-backup"  # engine-backup's own when --file is not given (facts/engine-backup.md 1)
_SCOPES = frozenset(("all", *(names.scope for names in NAMES.values())))
_REMOTE = re.compile(r"(?:[\w.-]+@)?\[?[\w.:-]+\]?:[^:]*$")


@dataclass(frozen=True)
class Destination:
    """kind: directory | sftp | s3 | other. where: as the script spells it."""

    kind: str
    where: str
    by: str


@dataclass(frozen=True)
class Proposal:
    """One entry's policy. "" and None: could not be read, and `unread` says so. expression and zone: as
    backups.catalog.schedule takes them. retention: what its deletions come to. Nothing here is applied by itself."""

    line: int
    expression: str
    zone: str
    user: str
    scopes: tuple[str, ...]
    directory: str
    file_name: str
    log: str
    retention: RecoveryWindow | Redundancy | None
    destinations: tuple[Destination, ...]
    encrypted: bool
    heartbeats: tuple[str, ...]
    mails: tuple[str, ...]
    sources: tuple[str, ...]
    findings: tuple[Danger, ...]
    unread: tuple[str, ...]


@dataclass(frozen=True)
class Imported:
    """proposals: one per entry that takes engine backups. others: lines of entries that do something else."""

    proposals: tuple[Proposal, ...]
    others: tuple[int, ...]
    unread: tuple[str, ...]


def propose(crontab: bytes, scripts: Mapping[str, bytes], *, system: bool, zone: str = "") -> Imported:
    """crontab: the file's bytes; system: it has a user column (crontab.is_system(path)). scripts: path as the crontab
    spells it -> bytes. zone: the engine VM's time zone, "" when unknown. Never raises, never runs anything."""
    table = read(crontab, system=system)
    proposals, others, unread = [], [], list(table.unread)
    for entry in table.entries:
        followed = follow(entry.command, entry.settings, scripts)
        does = understand(followed.script)
        if does.takings:
            proposals.append(_proposal(entry, does, followed.sources, zone))
            continue
        others.append(entry.line)
        if does.calls:
            called = shown(", ".join(dict.fromkeys(does.calls)))
            unread.append(f"Line {entry.line} calls {called}, not given: whether it takes backups is not known.")
    return Imported(tuple(proposals), tuple(others), tuple(unread))


def _proposal(entry: Entry, does: Does, sources: tuple[str, ...], zone: str) -> Proposal:
    taking = does.takings[0]
    unread = list(does.unread)
    folder, name = _file(taking, unread)
    destinations = _destinations(does, folder, unread)
    retention = _retention(does, folder, unread)
    _tell_unread(entry, does, zone, unread)
    return Proposal(
        line=entry.line,
        expression=entry.expression,
        zone=entry.zone or zone,
        user=entry.user,
        scopes=_scopes(taking, unread),
        directory=folder,
        file_name=name,
        log=_known(taking.first("log"), "Its log file", unread),
        retention=retention,
        destinations=destinations,
        encrypted=does.encrypts,
        heartbeats=tuple(dict.fromkeys(shown(one) for one in does.heartbeats)),
        mails=tuple(dict.fromkeys(shown(one) for one in (*does.mails, *_owners(entry)))),
        sources=sources,
        findings=dangers(entry, does, taking, bool(destinations)),
        unread=tuple(dict.fromkeys(unread)),
    )


def _owners(entry: Entry) -> list[str]:
    return [word.strip() for word in (entry.mail or "").split(",") if word.strip()]


def _tell_unread(entry: Entry, does: Does, zone: str, unread: list[str]) -> None:
    if not (entry.zone or zone):
        unread.append("The time zone is not known: the schedule means the engine VM's. Name it.")
    if len(does.takings) > 1:
        unread.append(f"It calls engine-backup {len(does.takings)} times; this is read from the first call.")
    if does.calls:
        unread.append(f"It calls {shown(', '.join(dict.fromkeys(does.calls)))}, which was not given.")


def _scopes(taking: Taking, unread: list[str]) -> tuple[str, ...]:
    words = taking.options.get("scope", ("all",))
    wrong = [word for word in words if word not in _SCOPES]
    if wrong:
        unread.append(f"The scope {shown(', '.join(wrong))} is none that engine-backup has.")
    return tuple(dict.fromkeys(word for word in words if word in _SCOPES))


def _file(taking: Taking, unread: list[str]) -> tuple[str, str]:
    """(folder, name as it is spelled)."""
    word = taking.first("file")
    if not word:
        return USUAL_FOLDER, ""
    spelled = word.replace(LITERAL, "$")
    # a $(date ...) may hold a slash of its own
    bare = re.sub(r"\$\([^)]*\)", lambda found: "\0" * len(found[0]), word)
    place = bare.rfind("/")
    return _known(word[: max(place, 0)] or "/" * (place == 0), "Its folder", unread), shown(spelled[place + 1 :])


def _known(word: str, what: str, unread: list[str]) -> str:
    """A path that holds nothing of run time, else "" and a sentence."""
    if "$" in word:
        unread.append(f"{what} is only known at run time: {shown(word)}.")
        return ""
    return shown(word.replace(LITERAL, "$"))


def _destinations(does: Does, folder: str, unread: list[str]) -> tuple[Destination, ...]:
    found: dict[str, Destination] = {}
    for one in does.sendings:
        kind = _kind(one)
        if "$" in one.where:
            unread.append(f"{one.how} copies to a place that is only known at run time: {shown(one.where)}.")
        if kind == "directory" and (not one.where.startswith("/") or _same(one.where, folder)):
            continue
        found.setdefault(one.where, Destination(kind, shown(one.where.replace(LITERAL, "$")), one.how))
    return tuple(found.values())


def _kind(one: Sending) -> str:
    where = one.where
    if where.startswith("s3://") or one.how in ("aws", "mc", "s3cmd"):
        return "s3"
    if where.startswith("sftp://") or one.how in ("sftp", "scp"):
        return "sftp"
    if "://" in where or "::" in where or one.how in ("rclone", "gsutil", "curl"):
        return "other"
    return "sftp" if one.how == "rsync" and _REMOTE.match(where) else "directory"


def _same(where: str, folder: str) -> bool:
    """Whether a copy stays in the archive's own folder, or goes nowhere that lasts."""
    inside = bool(folder) and (where.rstrip("/") == folder or where.startswith(folder + "/"))
    return inside or where.startswith("/dev/")


def _retention(does: Does, folder: str, unread: list[str]) -> RecoveryWindow | Redundancy | None:
    mine = [one for one in does.deletions if _concerns(one, folder)]
    days = [one.days for one in mine if one.days]
    if days:
        return RecoveryWindow(max(days))
    if keeps := [one.keep for one in mine if one.keep]:
        return Redundancy(max(keeps))
    if mine:
        unread.append(f"It deletes in {shown(mine[0].where)} by a rule that cannot be read. Choose the retention.")
    else:
        unread.append("It deletes nothing: it keeps every archive until the disk is full. Choose the retention.")
    return None


def _concerns(one: Deletion, folder: str) -> bool:
    """Whether a deletion is about the archives, and not about logs elsewhere."""
    where = one.where.rstrip("/")
    if "$" in where or not folder or not where.startswith("/"):
        return "log" not in where.lower()
    return where == folder or where.startswith(folder + "/") or folder.startswith(where + "/")
