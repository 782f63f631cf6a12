"""Why a run of engine-backup ended as it did: one cause, one sentence, what to do (facts/engine-backup.md 3 and 4).

The script's exit codes say little (1 for any failure), so the FATAL line is read first, then what psql, pg_dump,
tar and gzip wrote, then the code. Exit 0 and "Done." are not believed either (section 0)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from backups.catalog.output import Facts
from backups.catalog.parts import NAMES, Part, spoken


@dataclass(frozen=True)
class Cause:
    """kind: a short stable word; good: the output alone speaks for success. retry: once more, unchanged, is
    justified."""

    kind: str
    sentence: str
    what_to_do: str
    retry: bool = False
    good: bool = False


def classify(facts: Facts, has: frozenset[Part] | None) -> Cause:
    """The cause of a run's end. `has`: the parts that the engine really has, from the preflight; None when unknown,
    which is never taken for "nothing missing"."""
    if facts.exit_code is None:
        return Cause(
            "end_unseen",
            "Nobody saw engine-backup end, so its result is unknown.",
            "Look for a running engine-backup on the engine and for its log; start anew only when none runs.",
        )
    if facts.exit_code == 0:
        return _ended_well(facts, has)
    if facts.fatal:
        return _by_fatal(facts)
    return _by_code(facts, facts.exit_code)


def _ended_well(facts: Facts, has: frozenset[Part] | None) -> Cause:
    if not facts.done:
        return Cause(
            "unfinished",
            "engine-backup ended with code 0 but never printed 'Done.', so it is not known to have finished.",
            "Read its log and start anew.",
        )
    if facts.shared:
        return Cause(
            "two_runs",
            "Two engine-backup runs wrote to one target and one log at the same time; the archive is corrupt if their"
            " packing overlapped.",
            "Start one run alone with a file name of its own; find who starts the second one.",
        )
    if facts.mode == "restore":
        return Cause("ok", "The restore ran to its end.", "Run engine-setup, as the output says.", good=True)
    return _complete(facts, has)


def _complete(facts: Facts, has: frozenset[Part] | None) -> Cause:
    """A backup or verify run that says it is done: does it name what the engine has?"""
    if facts.mode == "verify" and Part.ENGINE not in facts.parts:
        return Cause(
            "engine_not_verified",
            "engine-backup says 'Done.' but did not look at the engine database: the dump is absent from the"
            " archive, or the machine has no engine configuration.",
            "Do not count this archive; read it with the ladder, which looks at the dump itself.",
        )
    if facts.mode == "verify":
        return Cause(
            "ok", "engine-backup --mode=verify passed.", "It proves little alone; climb the ladder.", good=True
        )
    if has is None:
        return Cause(
            "parts_unknown",
            "engine-backup says 'Done.', but what this engine has is not known, so nothing says that all"
            " of it was saved.",
            "Look at the engine's setup flags and databases first, then judge again.",
        )
    missing = frozenset(part for part in has if _in_scope(part, facts.scope)) - facts.parts
    if Part.ENGINE in missing:
        return Cause(
            "no_engine_database",
            f"engine-backup says 'Done.' with code 0, but the archive lacks {spoken(missing)}.",
            "Check the setup flags in /etc/ovirt-engine-setup.conf.d and ENGINE_DB_USER in"
            " /etc/ovirt-engine/engine.conf.d/10-setup-database.conf, run it as root, and start anew.",
        )
    if missing:
        return Cause(
            "part_missing",
            f"engine-backup says 'Done.' with code 0, but it did not save {spoken(missing)}, which this engine has.",
            "Check the setup flags in /etc/ovirt-engine-setup.conf.d and the *_DB_USER settings; a restore with changed"
            " credentials blanks 12-setup-keycloak.conf.",
        )
    return Cause("ok", "engine-backup names every part that this engine has.", "Climb the ladder.", good=True)


def _in_scope(part: Part, scope: tuple[str, ...]) -> bool:
    return "all" in scope or NAMES[part].scope in scope


def _by_fatal(facts: Facts) -> Cause:
    for pattern, cause in _FATALS:
        if re.match(pattern, facts.fatal):
            return cause(facts)
    return Cause(
        "unexplained",
        f"engine-backup gave up: {facts.fatal}.",
        "Read its log; this message is not in the catalogue.",
    )


def _low(facts: Facts) -> str:
    """The temporary folder that is full, as engine-backup names it; "" when it is not."""
    if facts.low_space:
        return facts.low_space[0].rsplit(":", 1)[0]
    return "the temporary folder" if _said(facts, "No space left on device") else ""


def _said(facts: Facts, words: str) -> str:
    return next((line for line in facts.noise if words in line), "")


def _space(where: str) -> Cause:
    return Cause(
        "tmp_full",
        f"{where} is full: engine-backup needs room there for all dumps and files, unpacked.",
        "Give --tmpdir a file system with room for the sum of the databases and files, then start anew.",
    )


def _database(facts: Facts, doing: str) -> Cause | None:
    if line := _said(facts, "password authentication failed for user"):
        user = line.rsplit('"', 2)[-2]
        return Cause(
            "wrong_password",
            f"The database refuses the password of user {user}, so {doing}.",
            "Compare the password in the engine's *-setup-database.conf with the role's; do not retry.",
        )
    if _said(facts, "Connection refused"):
        return Cause(
            "database_down",
            f"PostgreSQL on the engine does not accept connections, so {doing}.",
            "Start postgresql on the engine; one retry is justified when the engine was just restarting.",
            retry=True,
        )
    return None


def _notify(facts: Facts) -> Cause:
    if found := _database(facts, "engine-backup cannot tell the engine and takes nothing"):
        return found
    if facts.log and _said(facts, f"{facts.log}: No such file or directory"):
        return Cause(
            "log_folder_missing",
            f"The folder of the log {facts.log} does not exist, so engine-backup takes nothing.",
            "Create the folder (0750, root) or name another log.",
        )
    return Cause(
        "notify_failed",
        "engine-backup cannot write its event into the engine database and takes nothing.",
        "Read the psql line in its log.",
    )


def _dump_failed(facts: Facts) -> Cause:
    name = facts.fatal.lower().split("database ", 1)[1].split()[0]
    if where := _low(facts):
        return _space(where)
    if found := _database(facts, f"database {name} is not saved"):
        return found
    if _said(facts, "server closed the connection unexpectedly"):
        return Cause(
            "server_closed",
            f"PostgreSQL closed the connection while database {name} was read: its process was ended or killed.",
            "Look for out-of-memory kills and restarts of PostgreSQL on the engine, then start anew.",
        )
    if _said(facts, "terminated by user") or _said(facts, "Killed"):
        return Cause(
            "dump_killed",
            f"pg_dump of database {name} was killed.",
            "Look for out-of-memory kills on the engine, then start anew.",
        )
    return Cause("dump_failed", f"pg_dump of database {name} failed.", "Read the pg_dump line in the log.")


def _files_failed(facts: Facts) -> Cause:
    if where := _low(facts):
        return _space(where)
    if _said(facts, "file changed as we read it"):
        return Cause(
            "file_changed",
            "A file of the engine changed while tar read it, and engine-backup gave up.",
            "Start it once more; this is the one transient failure.",
            retry=True,
        )
    return Cause("files_failed", "tar could not save the engine's files.", "Read the tar line in the log.")


def _cannot_create(facts: Facts) -> Cause:
    if _said(facts, "No space left on device") or _said(facts, "Wrote only"):
        return Cause(
            "target_full",
            f"The file system of {facts.archive} is full; a truncated file stays under the archive's name.",
            "Remove the truncated file, make room for a whole archive, then start anew.",
        )
    if _said(facts, "No such file or directory"):
        return Cause(
            "target_folder_missing",
            f"The folder of {facts.archive} does not exist; engine-backup found out only after all dumps.",
            "Create the folder or name another one.",
        )
    return Cause("target_failed", f"engine-backup cannot write {facts.archive}.", "Read the tar line in the log.")


def _cannot_open(facts: Facts) -> Cause:
    """The message names the temporary folder, not the archive; a full folder looks like corruption."""
    if where := _low(facts):
        return _space(where)
    return Cause(
        "archive_unreadable",
        f"{facts.archive or 'The archive'} is empty, truncated or damaged: tar cannot unpack it.",
        "Do not count it; copy it anew from another place, or take a new backup.",
    )


def _verify_dump(facts: Facts) -> Cause:
    if _said(facts, "pg-restore-log: No such file or directory"):
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
    if line := _said(facts, ": No such file or directory"):
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
    ("Cannot create ", _cannot_create),
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
    (r"invalid |Unknown option |--file is missing", _USAGE),
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

# facts/engine-backup.md 3: what a signal leaves behind
_ENDINGS = {
    91: (
        "not_kept",
        "engine-backup ended well, but its archive could not be hashed or given its name.",
        "Look at the space and the state of the folder for archives on the engine VM.",
    ),
    124: (
        "timed_out",
        "engine-backup did not end within its time limit and was ended.",
        "See whether something holds a lock in the engine's database (pg_locks), or raise the policy's time limit.",
    ),
    126: ("not_allowed", "engine-backup may not be run by this user.", "Let the portal's account run it as root."),
    127: ("not_installed", "engine-backup is not on this machine.", "Install ovirt-engine-tools-backup."),
    129: ("hangup", "The terminal of engine-backup went away and took it along (SIGHUP).", "Start it detached."),
    130: ("interrupted", "Somebody interrupted engine-backup (SIGINT).", "Start it anew."),
    137: (
        "killed",
        "engine-backup was killed (SIGKILL); its temporary folder with passwords and dumps stays, and pg_dump may"
        " run on.",
        "End the left pg_dump, remove the folder, look for out-of-memory kills, then start anew.",
    ),
    141: ("link_lost", "The reader of engine-backup's output went away (SIGPIPE), and it died.", "Start it detached."),
    143: (
        "terminated",
        "Somebody or a time limit ended engine-backup (SIGTERM); a pg_dump may run on.",
        "End the left pg_dump, then start anew.",
    ),
}


def _by_code(facts: Facts, code: int) -> Cause:
    own = _said(facts, "holdfast: ").removeprefix("holdfast: ")
    if own:
        return Cause("not_started", f"engine-backup was not started: {own}.", "Look at that on the engine VM.")
    left = " A truncated file stays under the archive's name." if facts.packing else ""
    if code in _ENDINGS:
        kind, sentence, what_to_do = _ENDINGS[code]
        return Cause(kind, sentence + left, what_to_do)
    if code > 128:
        return Cause("signal", f"Signal {code - 128} ended engine-backup.{left}", "Read its log, then start anew.")
    if code != 1:
        return Cause(
            "hook",
            f"engine-backup ended with code {code} and without a word, as a hook's own exit does.",
            "Read the hooks in /etc/ovirt-engine-backup.",
        )
    last = next((line for line in reversed(facts.noise)), "it says nothing")
    return Cause("unexplained", f"engine-backup failed without a FATAL line: {last}.", "Read its log.")
