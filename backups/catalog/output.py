"""What engine-backup printed, before anybody has judged it (facts/engine-backup.md 2 and 3)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from backups.catalog.parts import NAMES, Part

_START = re.compile(r"Start of engine-backup with mode '(\w+)'")
_LOG_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (\d+): (.*)")
_LOG_START = "Start of engine-backup mode "
_TEMP = re.compile(r"Creating temp folder (\S*/engine-backup\.\w+)/tar")
_LOW_SPACE = "ERROR: Low free space on "
_FATAL = "FATAL: "
_LINE_LIMIT = 300  # characters of a line that are kept for a sentence


@dataclass(frozen=True)
class LogRun:
    """The last run that a log holds. `noise` is what psql, pg_dump, tar and gzip wrote into it, unprefixed.
    `shared` is true when another run wrote into it meanwhile: two runs had one target and one log."""

    output: tuple[str, ...] = ()
    fatal: str = ""
    noise: tuple[str, ...] = ()
    temp: str = ""
    shared: bool = False
    packing: bool = False


@dataclass(frozen=True)
class Facts:
    """One run of engine-backup. mode, scope, archive, log are "" when they were never printed; exit_code is None when
    nobody saw it. `temp` is the folder with the clear-text passwords, to look for after a kill."""

    mode: str
    scope: tuple[str, ...]
    archive: str
    log: str
    parts: frozenset[Part]
    plain: bool
    done: bool
    notified: int
    low_space: tuple[str, ...]
    fatal: str
    noise: tuple[str, ...]
    exit_code: int | None
    temp: str = ""
    shared: bool = False
    packing: bool = False


def read(stdout: bytes, stderr: bytes, exit_code: int | None, log: bytes = b"") -> Facts:
    """Reads one run. Without any stdout the log's own copy of it ("OUTPUT:" lines) is read. Never raises: bytes that
    are not UTF-8 are replaced, since paths may hold them."""
    said, errors = _lines(stdout), _lines(stderr)
    logged = _read_log(_lines(log))
    lines = said or list(logged.output)
    values = {key: _after(lines, f"{key}: ") for key in ("scope", "archive file", "log file")}
    return Facts(
        mode=next((found[1] for line in lines if (found := _START.match(line))), ""),
        scope=tuple(values["scope"].split(",")) if values["scope"] else (),
        archive=values["archive file"],
        log=values["log file"],
        parts=frozenset(
            part for part, names in NAMES.items() if any(_is_section(line, names.printed.lower()) for line in lines)
        ),
        plain=any("not backed up with a plain dump format" in line for line in lines),
        done=_done(lines),
        notified=lines.count("Notifying engine"),
        low_space=tuple(line.removeprefix(_LOW_SPACE) for line in lines if line.startswith(_LOW_SPACE)),
        # a failure is logged, told to the engine, printed: when the telling fails too, only the log has the first one
        fatal=logged.fatal or _after(errors, _FATAL),
        noise=tuple(line for line in (*errors, *_unsaid(said), *logged.noise) if not line.startswith(_FATAL)),
        exit_code=exit_code,
        temp=logged.temp,
        shared=logged.shared,
        packing=logged.packing or any(line.startswith("Packing into file ") for line in lines),
    )


def _done(lines: list[str]) -> bool:
    """engine-backup's last word; a hook of its stage "cleanup" may print more after it."""
    start = next((at for at, line in enumerate(lines) if _START.match(line)), 0)
    return "Done." in lines[start:]


def _lines(raw: bytes) -> list[str]:
    return [line[:_LINE_LIMIT].rstrip() for line in raw.decode("utf-8", "replace").splitlines() if line.strip()]


def _after(lines: list[str], prefix: str) -> str:
    return next((line.removeprefix(prefix) for line in lines if line.startswith(prefix)), "")


def _is_section(line: str, printed: str) -> bool:
    """A line of backup, verify or restore that names the part: "- Files", "- Engine database 'engine'"."""
    line = line.lower()  # "CINDERLIB database" in a backup, "Cinderlib database" in a restore
    return line == f"- {printed}" or (printed.endswith(" ") and line.startswith(f"- {printed}'"))


def _unsaid(lines: list[str]) -> list[str]:
    """What tar and gzip put between engine-backup's own lines on stdout when the target is full (section 3)."""
    return [line for line in lines if line.startswith(("tar", "gzip", "bzip2", "xz"))]


def _read_log(lines: list[str]) -> LogRun:
    found = [(match[1], match[2]) if (match := _LOG_LINE.match(line)) else ("", line) for line in lines]
    starts = [at for at, (pid, text) in enumerate(found) if pid and text.startswith(_LOG_START)]
    begin = starts[-1] if starts else 0
    pid = next((pid for pid, _ in found[begin:] if pid), "")
    own = [at for at, (who, _) in enumerate(found) if who == pid and at >= begin]
    first = min((at for at, (who, _) in enumerate(found) if who == pid), default=0)
    inside = found[first : own[-1] + 1] if own else []
    texts = [text for who, text in found[first:] if who == pid and pid]
    return LogRun(
        output=tuple(text.removeprefix("OUTPUT: ") for text in texts if text.startswith("OUTPUT: ")),
        fatal=_after(texts, _FATAL),
        noise=tuple(text for who, text in found[first:] if not who),
        temp=next((match[1] for text in texts if (match := _TEMP.match(text))), ""),
        shared=any(who not in ("", pid) for who, _ in inside),
        packing=any(text.startswith("Creating tarball ") for text in texts),
    )
