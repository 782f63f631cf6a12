"""What a FATAL line of engine-backup means, with what psql, pg_dump, tar, gzip and sqlite3 said around it
(facts/engine-backup.md 3)."""

from __future__ import annotations

import re
from collections.abc import Callable

from backups.catalog.cause import Cause
from backups.catalog.output import Facts


def by_fatal(facts: Facts) -> Cause:
    """The cause of a run that printed or logged a FATAL line."""
    for pattern, cause in _FATALS:
        if re.match(pattern, facts.fatal):
            return cause(facts)
    return Cause(
        "unexplained",
        f"engine-backup gave up: {facts.fatal}.",
        "Read its log; this message is not in the catalogue.",
    )


_FULL = ("No space left on device", "Wrote only", "disk is full")


def _full(facts: Facts) -> bool:
    """True when a tool said that its disk is full."""
    return any(said(facts, words) for words in _FULL)


def _low(facts: Facts) -> str:
    """The temporary folder, as engine-backup names it, when it has little room; "" when it has. It says so after any
    failure while less than 10 MB are free, so a reason that somebody gave counts more."""
    if facts.low_space:
        return facts.low_space[0].rsplit(":", 1)[0]
    return "the temporary folder" if _full(facts) else ""


def said(facts: Facts, words: str) -> str:
    """The first line of the tools' own that holds the words; "" for none."""
    return next((line for line in facts.noise if words in line), "")


def _quoted(facts: Facts, *starts: str) -> str:
    """ ": " and the first line of one of the tools, or "" when it said nothing."""
    line = next((line.strip() for line in facts.noise if line.startswith(starts)), "")
    return f": {line[:200].rstrip('.')}" if line else ""


def _space(where: str) -> Cause:
    return Cause(
        "tmp_full",
        f"{where} is full: engine-backup needs room there for all dumps and files, unpacked.",
        "Give --tmpdir a file system with room for the sum of the databases and files, then start anew.",
    )


def _temporary(facts: Facts) -> Cause:
    if where := _low(facts):
        return _space(where)
    return Cause(
        "tmp_failed",
        f"engine-backup cannot work in its temporary folder: {facts.fatal}.",
        "Look at that folder's rights and at its file system, or give --tmpdir another one.",
    )


_BUSY = re.compile(r"the database system is |too many (?:connections|clients)|remaining connection slots")


def _database(facts: Facts, doing: str) -> Cause | None:
    if line := said(facts, "password authentication failed for user"):
        user = line.rsplit('"', 2)[-2]
        return Cause(
            "wrong_password",
            f"The database refuses the password of user {user}, so {doing}.",
            "Compare the password in the engine's *-setup-database.conf with the role's; do not retry.",
        )
    if said(facts, "Connection refused"):
        return Cause(
            "database_down",
            f"PostgreSQL on the engine does not accept connections, so {doing}.",
            "Start postgresql on the engine; one retry is justified when the engine was just restarting.",
            retry=True,
        )
    if any(_BUSY.search(line) for line in facts.noise):
        return Cause(
            "database_busy",
            f"PostgreSQL takes no connection at the moment, so {doing}{_quoted(facts, 'psql:', 'pg_dump:')}.",
            "Start it once more; when it happens again, look at PostgreSQL's log and at max_connections.",
            retry=True,
        )
    return None


def _notify(facts: Facts) -> Cause:
    if found := _database(facts, "engine-backup cannot tell the engine and takes nothing"):
        return found
    if facts.log and said(facts, f"{facts.log}: No such file or directory"):
        return Cause(
            "log_folder_missing",
            f"The folder of the log {facts.log} does not exist, so engine-backup takes nothing.",
            "Create the folder (0750, root) or name another log.",
        )
    if where := _low(facts):
        return _space(where)
    return Cause(
        "notify_failed",
        "engine-backup cannot write its event into the engine database and takes nothing"
        f"{_quoted(facts, 'psql:', 'ERROR:')}.",
        "Read the psql line in its log.",
    )


def _dump_failed(facts: Facts) -> Cause:
    name = facts.fatal.lower().split("database ", 1)[1].split()[0]
    if found := _database(facts, f"database {name} is not saved"):
        return found
    if said(facts, "server closed the connection unexpectedly"):
        return Cause(
            "server_closed",
            f"PostgreSQL closed the connection while database {name} was read: its process was ended or killed.",
            "Look for out-of-memory kills and restarts of PostgreSQL on the engine, then start anew.",
        )
    if said(facts, "terminated by user") or said(facts, "Killed"):
        return Cause(
            "dump_killed",
            f"pg_dump of database {name} was killed.",
            "Look for out-of-memory kills on the engine, then start anew.",
        )
    told = _quoted(facts, "pg_dump:")
    if not told and (where := _low(facts)):
        return _space(where)  # pg_dump has no room for its words either
    return Cause("dump_failed", f"pg_dump of database {name} failed{told}.", "Read the pg_dump line in the log.")


# tar goes on after these and ends with code 1
_CHANGED = ("file changed as we read it", "File shrank by", "File removed before we read it")


def _files_failed(facts: Facts) -> Cause:
    if _full(facts):
        return _space(_low(facts))
    if any(said(facts, words) for words in _CHANGED):
        return Cause(
            "file_changed",
            "A file of the engine changed while tar read it, and engine-backup gave up.",
            "Start it once more; such a failure passes.",
            retry=True,
        )
    if where := _low(facts):
        return _space(where)
    return Cause("files_failed", "tar could not save the engine's files.", "Read the tar line in the log.")


def _grafana(facts: Facts) -> Cause:
    if _full(facts):
        return _space(_low(facts))
    if said(facts, "database is locked"):
        return Cause(
            "grafana_locked",
            "Somebody held Grafana's database for more than 10 seconds, and engine-backup gave up.",
            "Start it once more; when it happens again, see what works in /var/lib/grafana/grafana.db.",
            retry=True,
        )
    if said(facts, "sqlite3: command not found"):
        return Cause(
            "sqlite_missing",
            "The program sqlite3 is not on the engine VM, so Grafana's database is not saved.",
            "Install the package sqlite, then start anew.",
        )
    return Cause(
        "grafana_failed",
        f"Grafana's database is not saved: {facts.fatal}{_quoted(facts, 'Error:', 'chown:', 'chmod:')}.",
        "Look at /var/lib/grafana/grafana.db, or switch Grafana off in the engine's setup.",
    )


def _cannot_create(facts: Facts) -> Cause:
    if facts.archive and f"'{facts.archive}'" not in facts.fatal:
        return _temporary(facts)  # the same words for a folder or a hash in there
    if _full(facts):
        return Cause(
            "target_full",
            f"The file system of {facts.archive} is full, so what was packed is a truncated file.",
            "Make room for a whole archive, then start anew; a truncated file that is still there only takes room.",
        )
    if said(facts, "No such file or directory"):
        return Cause(
            "target_folder_missing",
            f"The folder of {facts.archive} does not exist; engine-backup found out only after all dumps.",
            "Create the folder or name another one.",
        )
    return Cause("target_failed", f"engine-backup cannot write {facts.archive}.", "Read the tar line in the log.")


_DAMAGED = ("unexpected end of", "crc error", "not look like a tar", "data integrity error", "is corrupt")


def _cannot_open(facts: Facts) -> Cause:
    """The message names the temporary folder, not the archive; a full folder looks like corruption."""
    damaged = any(said(facts, words) for words in _DAMAGED) or said(facts, "Unexpected EOF")
    if not damaged and (where := _low(facts)):
        return _space(where)
    return Cause(
        "archive_unreadable",
        f"{facts.archive or 'The archive'} is empty, truncated or damaged: tar cannot unpack it.",
        "Do not count it; copy it anew from another place, or take a new backup.",
    )


def _verify_dump(facts: Facts) -> Cause:
    if said(facts, "pg-restore-log: No such file or directory"):
        return Cause(
            "plain_not_verifiable",
            "engine-backup --mode=verify fails on every archive with plain dumps, also on good ones.",
            "Judge it with the ladder; take backups with the default custom format.",
        )
    return Cause(
        "dump_unreadable",
        "pg_restore cannot read the engine dump in this archive.",
        "Do not count it; take a new backup.",
    )


def _checksum(facts: Facts) -> Cause:
    if line := said(facts, ": No such file or directory"):
        member = line.removeprefix("sha256sum: ").split(":", 1)[0]
        return Cause("member_missing", f"The archive lists {member}, but does not hold it.", "Do not count it.")
    return Cause("checksum", "A member of the archive differs from its recorded hash.", "Do not count this archive.")


def _newer(facts: Facts) -> Cause:
    made, installed = re.findall(r"\d+(?:\.\d+)+", facts.fatal)[:2]
    return Cause(
        "newer_archive",
        f"The archive was made by engine {made}; this machine has {installed}, which refuses it.",
        "Update the engine, or for a recovery the appliance, to the archive's version or newer.",
    )


def _plain(kind: str, sentence: str, what_to_do: str) -> Callable[[Facts], Cause]:
    return lambda facts: Cause(kind, sentence.format(fatal=facts.fatal, archive=facts.archive), what_to_do)


_USAGE = _plain("usage", "engine-backup does not understand how it was called: {fatal}.", "Correct the call.")
_FATALS: tuple[tuple[str, Callable[[Facts], Cause]], ...] = (
    ("Failed notifying engine", _notify),
    (r"Database \S+ backup failed|\S+ failed compressing the backup of database ", _dump_failed),
    ("Failed backing up ", _files_failed),
    (r"failed to backup \S+ with sqlite3|chown failed|chmod failed", _grafana),
    ("Cannot create ", _cannot_create),
    ("Can't (?:create|touch|chmod) |Find execution failed", _temporary),
    ("cannot open ", _cannot_open),
    ("Errors while running pg_restore", _verify_dump),
    ("Checksum verification failed", _checksum),
    (r"Backup was created by version '[\d.]+\w*' and can not be restored .* \d+\.", _newer),
    (
        "No supported hash file found",
        _plain("no_hash_file", "The archive holds no list of hashes, so nothing vouches for it.", "Do not count it."),
    ),
    (
        "--file and --log",
        _plain("file_is_log", "The archive and the log have the same name.", "Name two different files."),
    ),
    (
        "Temporary directory ",
        _plain("tmp_missing", "{fatal}.", "Create the folder or name another with --tmpdir."),
    ),
    (r"invalid |failed parsing |Unknown option |--file is missing", _USAGE),
    (
        ".* does not exist",
        _plain("archive_missing", "{fatal}.", "Copy the archive to this machine, or correct its name."),
    ),
    (
        "Engine service is active",
        _plain("engine_running", "The engine runs here, so nothing is restored over it.", "Stop ovirt-engine first."),
    ),
    (
        r"Database '\S+' is not empty",
        _plain("database_not_empty", "{fatal}, so nothing is restored into it.", "Restore into an empty database."),
    ),
    (
        "Can't connect to database",
        _plain("no_connection", "{fatal}", "Check the database's name, user and password, and that it runs."),
    ),
    (
        "Please pass one of --restore-permissions",
        _plain(
            "permissions_flag",
            "The restore needs --restore-permissions or --no-restore-permissions; files in scope are overwritten by"
            " now.",
            "Call it again with one of the two.",
        ),
    ),
    (
        "Errors while restoring database",
        _plain("restore_errors", "{fatal}: the database is half restored.", "Empty it, read the log, restore anew."),
    ),
)
