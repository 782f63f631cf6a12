"""An existing crontab, read and never run: its entries with zone, user, mail address and the command as cron would give
it to the shell (cronie's crontab(5))."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from backups.catalog.schedule import Schedule, problem

LONGEST = 64_000  # bytes; real ones have a few KiB
_WORDS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_SETTING = re.compile(r"""^\s*(["']?)([A-Za-z_]\w*)\1\s*=\s*(.*?)\s*$""")
_USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\$?$")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Entry:
    """One line. expression: five fields. zone: CRON_TZ, "" the machine's own. user: "" in a user's crontab. command:
    what the shell gets. cut: what an unescaped % took off it, and gave to its stdin instead. mail: MAILTO; None: not
    set, so the owner gets mail."""

    line: int
    expression: str
    command: str
    user: str = ""
    zone: str = ""
    mail: str | None = None
    cut: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Crontab:
    """unread: sentences on lines that mean nothing here."""

    entries: tuple[Entry, ...]
    unread: tuple[str, ...]


def is_system(path: str) -> bool:
    """Whether a crontab at this path has a user column: /etc/crontab and /etc/cron.d do."""
    return path == "/etc/crontab" or path.startswith("/etc/cron.d/")


def decoded(raw: bytes, what: str) -> tuple[str, str]:
    """(text, ""), or ("", why it is not read): too long, binary, not UTF-8."""
    if len(raw) > LONGEST:
        return "", f"{what} has more than {LONGEST} bytes, so it is not read."
    if b"\0" in raw or raw.startswith(b"\x7fELF"):
        return "", f"{what} is a program, not text, so it is not read."
    try:
        return raw.decode("utf-8").replace("\r\n", "\n"), ""
    except UnicodeDecodeError as error:
        return "", f"{what} is not UTF-8 (byte {error.start}), so it is not read."


def shown(text: str) -> str:
    """One line of a foreign file, harmless to print, 120 characters at most."""
    return _CONTROL.sub("\ufffd", text.strip())[:120]


def read(raw: bytes, *, system: bool) -> Crontab:
    """A crontab in; never raises. system: with a user column."""
    text, why = decoded(raw, "The crontab")
    entries: list[Entry] = []
    unread: list[str] = [why] if why else []
    settings: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if setting := _SETTING.match(line):
            settings[setting[2]] = _unquoted(setting[3])
            continue
        found = _entry(number, line.strip(), dict(settings), system)
        if isinstance(found, Entry):
            entries.append(found)
        else:
            unread.append(found)
    return Crontab(tuple(entries), tuple(unread))


def _entry(number: int, line: str, settings: dict[str, str], system: bool) -> Entry | str:
    """An entry, or the sentence that says why it is none."""
    words = line.removeprefix("-").split(None, 1 if line.startswith("@") else 5)
    where = f"Line {number} of the crontab"
    if line.startswith("@"):
        if words[0].lower() == "@reboot":
            return f"{where} runs at boot, which no schedule replaces: {shown(line)}"
        expression, rest = _WORDS.get(words[0].lower(), ""), words[1:]
    else:
        expression, rest = " ".join(words[:5]), words[5:]
    zone = settings.get("CRON_TZ", "")
    if not expression or not rest or problem(Schedule(expression, zone or "UTC")):
        return f"{where} is no entry that can be read: {shown(line)}"
    user, command = "", rest[0]
    if system:
        user, _, command = command.partition(" ") if " " in command else (command, "", "")
        if not _USER.fullmatch(user) or not command.strip():
            return f"{where} has no user and command where a system crontab has them: {shown(line)}"
    whole, *cut = list(_split_percent(command.strip()))
    return Entry(number, expression, whole, user, zone, settings.get("MAILTO"), "\n".join(cut), settings)


def _split_percent(command: str) -> Iterator[str]:
    r"""Parts between unescaped percent signs, which cron makes newlines; "\%" is a percent sign."""
    part = ""
    escaped = False
    for sign in command:
        if sign == "%" and not escaped:
            yield part
            part = ""
        elif sign == "%":
            part = part[:-1] + "%"
        else:
            part += sign
        escaped = sign == "\\" and not escaped
    yield part


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value
