"""Why a run of engine-backup ended as it did: one cause, one sentence, what to do (facts/engine-backup.md 3 and 4).

The script's exit codes say little (1 for any failure), so the FATAL line is read first, then what psql, pg_dump,
tar and gzip wrote, then the code. Exit 0 and "Done." are not believed either (section 0)."""

from __future__ import annotations

from backups.catalog.cause import Cause
from backups.catalog.fatals import by_fatal, said
from backups.catalog.output import Facts
from backups.catalog.parts import NAMES, Part, spoken


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
        return by_fatal(facts)
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
            f" /etc/ovirt-engine/engine.conf.d/10-setup-database.conf, run it as root, and start anew.{_unread(facts)}",
        )
    if missing:
        return Cause(
            "part_missing",
            f"engine-backup says 'Done.' with code 0, but it did not save {spoken(missing)}, which this engine has.",
            "Check the setup flags in /etc/ovirt-engine-setup.conf.d and the *_DB_USER settings; a restore with changed"
            " credentials blanks 12-setup-keycloak.conf.",
        )
    return Cause("ok", "engine-backup names every part that this engine has.", "Climb the ladder.", good=True)


def _unread(facts: Facts) -> str:
    """What the reader of the setup flags itself failed with: engine-backup takes that for flags that are not set."""
    words = ("configparser.", "/usr/bin/engine-backup: ")
    told = next((line for line in facts.noise if line.startswith(words) and "config" in line), "")
    return f" otopi-config-query, which reads the flags, failed: {told.rstrip('.')}." if told else ""


def _in_scope(part: Part, scope: tuple[str, ...]) -> bool:
    return "all" in scope or NAMES[part].scope in scope


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
        "engine-backup was killed (SIGKILL). By itself it leaves its temporary folder with passwords and dumps, and"
        " pg_dump may run on.",
        "See that neither is left, look for out-of-memory kills on the engine, then start anew.",
    ),
    141: ("link_lost", "The reader of engine-backup's output went away (SIGPIPE), and it died.", "Start it detached."),
    143: (
        "terminated",
        "Somebody or a time limit ended engine-backup (SIGTERM); a pg_dump may run on.",
        "See that no pg_dump is left, then start anew.",
    ),
}


def _by_code(facts: Facts, code: int) -> Cause:
    own = said(facts, "holdfast: ").removeprefix("holdfast: ")
    if own:
        return Cause("not_started", f"engine-backup was not started: {own}.", "Look at that on the engine VM.")
    left = " What was packed is a truncated file." if facts.packing else ""
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
