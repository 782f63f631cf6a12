"""What an old backup script does dangerously, one sentence each (facts/engine-backup.md 0, 5, 7)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from backups.catalog.crontab import Entry, shown
from backups.catalog.crontab_script import Does, Taking

_KINDS = {"bz2": "bzip2", "tbz": "bzip2", "tbz2": "bzip2", "xz": "xz", "txz": "xz", "zip": "zip", "zst": "zstd"}
_DATE = re.compile(r"\$\(\s*(?:/bin/|/usr/bin/)?date\s([^)]*)\)")
_UNIQUE = re.compile(r"\$\$|\$RANDOM|\$\{RANDOM\}|mktemp|uuidgen")


@dataclass(frozen=True)
class Danger:
    """key: a short name; sentence: what it does, what that can cost."""

    key: str
    sentence: str


def dangers(entry: Entry, does: Does, taking: Taking, leaves: bool) -> tuple[Danger, ...]:
    """leaves: the archive is sent to another machine or mount."""
    found: list[Danger] = []
    for look in _LOOKS:
        found += look(does, taking)
    found += _entry(entry, does, taking)
    found += _sending(does, leaves)
    return tuple(found)


def _order(does: Does, taking: Taking) -> Iterator[Danger]:
    if any(one.place < taking.place for one in does.deletions):
        told = "It deletes old archives before it takes the new one"
        yield Danger("deletes_first", f"{told}: while backups fail it deletes on, until none is left.")
    elif does.deletions:
        told = "It deletes by age or number and does not ask whether a newer archive is proven"
        yield Danger("deletes_unproven", f"{told}: failed and empty files count like good ones.")


def _verify(does: Does, taking: Taking) -> Iterator[Danger]:
    if not does.verifies:
        told = 'It never verifies: exit code 0 and "Done." can stand over an archive that holds no database'
        yield Danger("no_verify", f"{told}.")


def _name(does: Does, taking: Taking) -> Iterator[Danger]:
    name = taking.first("file").rpartition("/")[2]
    if not name:
        yield Danger(
            "name_seconds", "It leaves the name to engine-backup: two runs in one second make one broken archive."
        )
        return
    ending = name.rpartition(".")[2].lower()
    packed = taking.first("archive-compressor") or ("xz" if "small-size" in taking.options else "gzip")
    if _KINDS.get(ending, packed) != packed:
        yield Danger("name_kind", f"It names the archive .{shown(ending)}, and it is packed with {packed}.")
    if _UNIQUE.search(name):
        return
    formats = " ".join(_DATE.findall(name))
    if not formats and "$" not in name:
        yield Danger("name_fixed", f"Every run overwrites {shown(name)}: a failed run destroys the only archive.")
    elif "%N" not in formats and re.search(r"%[sSTcrX]|iso-8601=s|%\+", formats):
        yield Danger("name_seconds", "Its names count seconds: two runs in one second make one broken archive.")
    elif formats:
        yield Danger(
            "name_coarse", "Its names do not count seconds: a second run in that time overwrites the first one."
        )


def _options(does: Does, taking: Taking) -> Iterator[Danger]:
    if "small-size" in taking.options or "plain" in taking.first("db-dump-format"):
        which = "--small-size" if "small-size" in taking.options else "--db-dump-format=plain"
        yield Danger("small_size", f"It uses {which}: engine-backup's own verify fails on every such archive.")
    scopes = taking.options.get("scope", ("all",))
    if "all" not in scopes:
        told = f"It takes only {shown(', '.join(scopes))}"
        yield Danger("scope", f"{told}: an engine cannot be restored without its files and every database.")
    if re.match(r"/(?:var/)?tmp/", taking.first("file")):
        yield Danger("tmp", "It writes into a temporary folder, which the system empties by itself.")


def _exit_code(does: Does, taking: Taking) -> Iterator[Danger]:
    if not (taking.checked or does.stops_on_error):
        yield Danger("no_exit_code", "It does not look at the exit code of engine-backup: after a failure it goes on.")


def _passwords(does: Does, taking: Taking) -> Iterator[Danger]:
    for one in dict.fromkeys(does.passwords):
        yield Danger("password", f"It shows a password to everybody who lists processes: {one}. Change that password.")


def _lock(does: Does, taking: Taking) -> Iterator[Danger]:
    if not does.locks:
        yield Danger(
            "no_lock", "It takes no lock: a run that is still going and the next one can break each other's archive."
        )


def _engine(does: Does, taking: Taking) -> Iterator[Danger]:
    if does.restores:
        yield Danger(
            "restore", "It calls engine-backup --mode=restore: run at the wrong moment, it overwrites the engine."
        )
    if does.maintenance:
        yield Danger("maintenance", "It sets global maintenance, which a backup does not need, and may leave it on.")
    if does.stops_engine:
        yield Danger("stops_engine", "It stops ovirt-engine, which a backup does not need, and may leave it stopped.")


def _entry(entry: Entry, does: Does, taking: Taking) -> Iterator[Danger]:
    if entry.cut:
        told = f'cron ends the command at the first % that has no backslash, and never ran "{shown(entry.cut)}"'
        yield Danger("percent", f"{told[0].upper()}{told[1:]}: this entry does not do what it says.")
    if taking.silent and not does.mails:
        yield Danger("silent", "It throws its output away: nobody reads why it failed.")
    elif entry.mail == "" and not does.mails:
        yield Danger("silent", "MAILTO is empty and it sends no mail: nobody reads why it failed.")


def _sending(does: Does, leaves: bool) -> Iterator[Danger]:
    if not leaves:
        yield Danger("no_copy", "It leaves the archives on the engine VM: they are lost with it.")
    elif not does.encrypts:
        told = "It sends the archive without encryption: it holds the CA's private key and every database password"
        yield Danger("clear", f"{told}.")
    if any(one.erases for one in does.sendings):
        yield Danger("erases", "Its copy deletes at the far end what is gone here: a mistake here reaches every copy.")


_LOOKS: tuple[Callable[[Does, Taking], Iterator[Danger]], ...] = (
    _order,
    _verify,
    _exit_code,
    _lock,
    _name,
    _options,
    _passwords,
    _engine,
)
