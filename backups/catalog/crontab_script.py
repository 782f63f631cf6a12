"""What an old backup script does, as one flat record: which archive, where to, what it deletes, what it checks."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from backups.catalog.crontab import shown
from backups.catalog.crontab_shell import Script, Simple

# Words that stand before the program that counts, with how many words of their own they take
_BEFORE = {
    "then": 0,
    "do": 0,
    "else": 0,
    "{": 0,
    "!": 0,
    "exec": 0,
    "time": 0,
    "nohup": 0,
    "if": 0,
    "while": 0,
    "until": 0,
    "elif": 0,
    "command": 0,
    "chronic": 0,
    "timeout": 1,
    "bash": 0,
    "sh": 0,
    "setsid": 0,
    "cronic": 0,
}
_WITH_OPTIONS = {
    "sudo",
    "nice",
    "ionice",
    "flock",
    "timeout",
    "env",
    "bash",
    "sh",
    "setsid",
    "time",
    "systemd-run",
    "su",
}
_TAKING = {
    "sudo": ("-u", "-g"),
    "nice": ("-n",),
    "ionice": ("-c", "-n"),
    "flock": ("-w", "-E"),
    "timeout": ("-k", "-s"),
    "systemd-run": ("-p", "--unit"),
}
_PIPE = 12  # commands of one pipe that are looked at
CHECKED = ("if", "while", "until", "elif", "!")


@dataclass(frozen=True)
class Deletion:
    """place: order in the script. days: files older than that go; keep: that many newest stay. One of both, or neither
    when it deletes without a rule that can be read."""

    place: int
    where: str
    days: int | None = None
    keep: int | None = None


@dataclass(frozen=True)
class Sending:
    """A copy to another place. how: the program. where: as the script spells it. erases: it deletes at the far end."""

    how: str
    where: str
    erases: bool = False


@dataclass(frozen=True)
class Taking:
    """One call of engine-backup. options: name -> values ("scope" may come more than once). checked: somebody looks at
    its exit code."""

    place: int
    options: dict[str, tuple[str, ...]]
    checked: bool
    silent: bool

    def first(self, name: str) -> str:
        """The last value of an option, as the script's parser takes it; "" without one."""
        return self.options.get(name, ("",))[-1]


@dataclass
class Does:
    """Everything that was recognised."""

    takings: list[Taking] = field(default_factory=list)
    deletions: list[Deletion] = field(default_factory=list)
    sendings: list[Sending] = field(default_factory=list)
    verifies: bool = False
    restores: bool = False
    locks: bool = False
    stops_on_error: bool = False
    encrypts: bool = False
    maintenance: bool = False
    stops_engine: bool = False
    passwords: list[str] = field(default_factory=list)
    heartbeats: list[str] = field(default_factory=list)
    mails: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


def understand(script: Script) -> Does:
    """Commands in; what they would do out."""
    does = Does(unread=list(script.unread))
    commands = script.commands
    for place, one in enumerate(commands):
        words, before = program(one.words)
        does.locks = does.locks or "flock" in before
        following = commands[place + 1] if place + 1 < len(commands) else None
        if words:
            _note_passwords(does, words)
            pipeline = _pipeline(commands, place)
            _PROGRAMS.get(words[0].rpartition("/")[2], _other)(
                does, _Call(place, one, words, before, pipeline, following)
            )
    return does


@dataclass(frozen=True)
class _Call:
    place: int
    simple: Simple
    words: tuple[str, ...]
    before: tuple[str, ...]
    pipeline: tuple[tuple[str, ...], ...]  # the commands that follow it in its pipe
    following: Simple | None = None

    def values(self, letter: str) -> list[str]:
        """Words behind an option."""
        pairs = zip(self.words, self.words[1:], strict=False)
        return [value for option, value in pairs if option == letter]

    def plain(self) -> list[str]:
        """Words that are no options, the program left out."""
        return [word for word in self.words[1:] if not word.startswith("-")]


def program(words: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(the program that counts with its words, what stands before it: if, sudo, nice, flock, ...)."""
    rest, before = list(words), []
    while rest:
        name = rest[0].rpartition("/")[2]
        if name == "flock":
            before.append(rest.pop(0))
            _options(rest, _TAKING["flock"])
            rest = rest[1:]
            continue
        if name not in _BEFORE and name not in _WITH_OPTIONS and not re.fullmatch(r"[A-Za-z_]\w*=.*", rest[0], re.S):
            break
        before.append(rest.pop(0))
        if name in _WITH_OPTIONS:
            _options(rest, _TAKING.get(name, ()))
        rest = rest[_BEFORE.get(name, 0) :]
    return tuple(rest), tuple(before)


def _options(rest: list[str], taking: Sequence[str]) -> None:
    """Takes the options at the front away, with their values."""
    while rest and rest[0].startswith("-"):
        if rest.pop(0) in taking:
            del rest[:1]


def _pipeline(commands: Sequence[Simple], place: int) -> tuple[tuple[str, ...], ...]:
    found = []
    for one in commands[place + 1 : place + 1 + _PIPE]:
        if one.joint != "|":
            break
        found.append(program(one.words)[0])
    return tuple(found)


def _note_passwords(does: Does, words: tuple[str, ...]) -> None:
    for word in words:
        if re.match(r"--[\w-]*password[\w-]*=.+", word, re.IGNORECASE):
            does.passwords.append(f"{words[0].rpartition('/')[2]} {word.partition('=')[0]}=***")
    name = words[0].rpartition("/")[2]
    if name == "sshpass" and any(word.startswith("-p") for word in words[1:3]):
        does.passwords.append("sshpass -p ***")
    if name in ("curl", "wget") and re.search(r"(?:^|\s)(?:-u|--user)[= ]?\S+:\S", " ".join(words)):
        does.passwords.append(f"{name} --user ***")
    if name in ("curl", "wget", "rsync", "lftp", "smbclient") and re.search(r"://[^/\s:]+:[^/\s@]+@", " ".join(words)):
        does.passwords.append(f"{name} with a password in its address")


def _engine_backup(does: Does, call: _Call) -> None:
    options: dict[str, tuple[str, ...]] = {}
    for word in call.words[1:]:
        name, _, value = word.partition("=")
        if name.startswith("--"):
            options[name[2:]] = (*options.get(name[2:], ()), value)
    mode = options.get("mode", ("backup",))[-1]
    does.verifies = does.verifies or mode == "verify"
    does.restores = does.restores or mode == "restore"
    if mode == "backup":
        silent = any("/dev/null" in target for _, target in call.simple.targets)
        checked = any(word in CHECKED for word in call.before) or (
            call.following is not None and call.following.joint in ("&&", "||")
        )
        does.takings.append(Taking(call.place, options, checked, silent))


def _find(does: Does, call: _Call) -> None:
    text = " ".join(call.words)
    piped = any(words[:1] == ("xargs",) and _removes(words) for words in call.pipeline)
    executed = "-exec" in call.words and _removes(call.words)
    if not ("-delete" in call.words or piped or executed):
        return
    age = re.search(r"-[cm](time|min) \+(\d{1,6})\b", text)
    days = None if age is None else max(1, int(age[2]) if age[1] == "time" else int(age[2]) // 1440)
    does.deletions.append(Deletion(call.place, (call.plain() or [""])[0], days=days))


def _removes(words: Sequence[str]) -> bool:
    return any(word.rpartition("/")[2] in ("rm", "unlink", "shred") for word in words)


def _ls(does: Does, call: _Call) -> None:
    """ls -t ... | tail -n +15 | xargs rm: the 14 newest stay."""
    if not any(words[:1] == ("xargs",) and _removes(words) for words in call.pipeline):
        return
    tails = [" ".join(words) for words in call.pipeline if words[:1] == ("tail",)]
    kept = re.search(r"(?:-n ?|--lines=)?\+(\d{1,5})\b", tails[0]) if tails else None
    where = (call.plain() or [""])[0]
    keep = int(kept[1]) - 1 if kept and int(kept[1]) > 1 else None
    does.deletions.append(Deletion(call.place, where, keep=keep))


def _rm(does: Does, call: _Call) -> None:
    globs = [word for word in call.plain() if re.search(r"[*?]", word)]
    if globs:
        does.deletions.append(Deletion(call.place, globs[0].rpartition("/")[0]))
    elif any("$" in word for word in call.plain()):
        does.unread.append(f"Line {call.simple.line} removes what is only known at run time.")


def _copy(does: Does, call: _Call) -> None:
    words = call.plain()
    name = call.words[0].rpartition("/")[2]
    if name == "rsync" and len(words) > 1:
        does.sendings.append(Sending(name, words[-1], any(word.startswith("--del") for word in call.words)))
    elif name in ("cp", "mv", "scp", "install") and len(words) > 1:
        does.sendings.append(Sending(name, words[-1]))
    elif len(words) > 1:
        does.unread.append(f"{shown(' '.join(call.words))} copies somewhere that cannot be read.")


def _sftp(does: Does, call: _Call) -> None:
    values = [*call.values("-i"), *call.values("-b"), *call.values("-o"), *call.values("-P")]
    plain = [word for word in call.plain() if word not in values]
    if plain:
        does.sendings.append(Sending("sftp", plain[-1]))


def _cloud(does: Does, call: _Call) -> None:
    """aws s3 cp, rclone copy, mc cp, gsutil cp, s3cmd put: the last word is the place."""
    words = call.plain()
    if any(word in ("cp", "copy", "sync", "put", "move", "mv", "copyto") for word in words[:2]) and len(words) > 2:
        erases = "sync" in words[:2] and (words[0] == "sync" or "--delete" in call.words)
        does.sendings.append(Sending(call.words[0].rpartition("/")[2], words[-1], erases))


def _curl(does: Does, call: _Call) -> None:
    uploads = [*call.values("-T"), *call.values("--upload-file")]
    address = next((word for word in call.plain() if "://" in word), "")
    if uploads and address:
        does.sendings.append(Sending("curl", address))
    elif address:
        does.heartbeats.append(address)


def _mail(does: Does, call: _Call) -> None:
    does.mails += [word for word in call.plain() if "@" in word][:3]


def _encrypt(does: Does, call: _Call) -> None:
    name = call.words[0].rpartition("/")[2]
    does.encrypts = does.encrypts or name != "openssl" or "enc" in call.words[1:2] or "smime" in call.words[1:2]


def _set(does: Does, call: _Call) -> None:
    does.stops_on_error = does.stops_on_error or any(
        re.fullmatch(r"-[a-z]*e[a-z]*|errexit", word) for word in call.words
    )


def _hosted_engine(does: Does, call: _Call) -> None:
    does.maintenance = does.maintenance or "--set-maintenance" in call.words


def _systemctl(does: Does, call: _Call) -> None:
    units = {word.removesuffix(".service") for word in call.words[1:]}
    does.stops_engine = does.stops_engine or ("stop" in units and "ovirt-engine" in units)


def _source(does: Does, call: _Call) -> None:
    does.unread.append(f"It takes values from {shown(' '.join(call.words[1:]))}, which was not given.")


def _eval(does: Does, call: _Call) -> None:
    does.unread.append(f"Line {call.simple.line} builds a command at run time, which is not followed.")


def _test(does: Does, call: _Call) -> None:
    """[ $? -ne 0 ]: the exit code of the command before it is looked at. [ -e x.lock ]: a lock by hand."""
    does.locks = does.locks or (any(word in ("-e", "-f", "-d") for word in call.words) and _names_lock(call.words))
    if any("$?" in word for word in call.words) and does.takings:
        last = does.takings[-1]
        if last.place == call.place - 1:
            does.takings[-1] = Taking(last.place, last.options, True, last.silent)


def _mkdir(does: Does, call: _Call) -> None:
    does.locks = does.locks or _names_lock(call.words)


def _names_lock(words: Sequence[str]) -> bool:
    return any(re.search(r"lock|\.pid$", word, re.IGNORECASE) for word in words[1:])


def _other(does: Does, call: _Call) -> None:
    if re.search(r"(?:^|/)[\w.-]+\.(?:sh|py|pl)$|^(?:/|\./)", call.words[0]):
        does.calls.append(call.words[0])
    elif "$" in call.words[0] or "\ue000" in call.words[0]:
        does.unread.append(f"Line {call.simple.line} calls a program that is only known at run time.")


_PROGRAMS: dict[str, Callable[[Does, _Call], None]] = {
    "engine-backup": _engine_backup,
    "find": _find,
    "ls": _ls,
    "rm": _rm,
    "sftp": _sftp,
    "eval": _eval,
    "set": _set,
    "hosted-engine": _hosted_engine,
    "systemctl": _systemctl,
    "[": _test,
    "[[": _test,
    "test": _test,
    "source": _source,
    "mkdir": _mkdir,
    "lockfile": _mkdir,
    ".": _source,
    **dict.fromkeys(("rsync", "scp", "cp", "mv", "install", "dd"), _copy),
    **dict.fromkeys(("aws", "rclone", "mc", "gsutil", "s3cmd"), _cloud),
    **dict.fromkeys(("curl", "wget"), _curl),
    **dict.fromkeys(("mail", "mailx", "sendmail", "mutt"), _mail),
    **dict.fromkeys(("gpg", "gpg2", "age", "openssl"), _encrypt),
}
