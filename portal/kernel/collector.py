"""One POSIX sh script for all commands of a visit to a host, and the reader of what it prints. Pure.

The script needs no Python and no temporary file on the host; dash, bash and busybox run it. stdout and stderr are two
streams with the same markers: `@@<nonce> <n> <uptime>\\n` ends section n and starts section n + 1, so a section is
read byte for byte, whatever it holds (docs/adr/0004; facts/luns-and-tuning.md 2.2, hosted-engine.md 1)."""

from __future__ import annotations

import hashlib
import math
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from portal.kernel.command import Command
from portal.kernel.output import Output

LOOK_SCRIPT = "/usr/local/sbin/holdfast-look"  # what a site may install instead of a sudoers line per command
NOT_MINE = 120  # its exit code for a look that it does not know
MAX_SCRIPT = 100_000  # bytes; Linux takes at most 128 KiB in one argument of exec
KILL_AFTER = 2  # seconds between timeout's TERM and its KILL

_NONCE = re.compile(r"[0-9a-f]{32}")

# Descriptors: 4 and 5 are the script's own stdout and stderr, 6 is the pipe of a command's stdout. The exit code goes
# past the pipes that cap the output: as a line of its own on stderr, which the reader takes out again. No marker begins
# with a newline: bash would write that by itself, and something could come between. The marker is never in the script
# as one word, so that a command which prints its parent's command line (ps, /proc/*/cmdline) cannot print a marker.
# The usual host has timeout and head as files of coreutils, which is seen without starting a process.
_HEAD = r"""N=%s
LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export LC_ALL PATH
exec 4>&1 5>&2 </dev/null
m() {
{ read -r U x </proc/uptime; } 2>/dev/null || U=-
printf '@@%%s %%s %%s\n' "$N" "$1" "$U"
printf '@@%%s %%s %%s\n' "$N" "$1" "$U" >&5
}
m 0
l() { exec head -c "$1"; }
t() { timeout -k %d "$@"; }
s() { sudo -n timeout -k %d "$@"; }
x=$(command -v timeout; command -v head)
if [ "$x" = '/usr/bin/timeout
/usr/bin/head' ] && [ ! -L /usr/bin/timeout ] && [ ! -L /usr/bin/head ]; then :; else
printf %%s x | head -c 1 >/dev/null 2>&1 || l() { exec cat; }
if timeout -k 1 1 true >/dev/null 2>&1; then :
elif timeout 1 true >/dev/null 2>&1; then
t() { timeout "$@"; }
s() { sudo -n timeout "$@"; }
else
t() { shift; env "$@"; }
s() { shift; sudo -n "$@"; }
fi
fi
c() {
o=$1
shift
{
{ "$@" 4>&- 5>&-; printf '@@%%s = %%s\n' "$N" $? >&5; } 2>&1 >&6 6>&- | l "$o" >&5 4>&- 6>&-
} 6>&1 | l "$o" >&4 5>&-
}
"""


def seconds(timeout: float) -> int:
    """A timeout as timeout(1) of every system takes it: whole seconds, at least one."""
    return max(1, math.ceil(timeout))


def sudo_line(command: Command) -> str:
    """What `root` commands run through sudo, word for word: the line that a sudoers file must allow.
    timeout(1) stands behind sudo, since a user's own timeout cannot end a process of root."""
    return shlex.join(("timeout", "-k", str(KILL_AFTER), str(seconds(command.timeout)), *command.argv))


def look_key(command: Command) -> str:
    """The word by which LOOK_SCRIPT knows a command. It changes with the command, so that a script of another release
    does not run something else instead."""
    return hashlib.sha256(sudo_line(command).encode()).hexdigest()[:16]


def look_script(commands: Iterable[Command]) -> str:
    """The script that runs these `root` commands and no other: no argument, one word on stdin that names the command.
    It is for /usr/local/sbin, owned by root, with one line in sudoers (facts/luns-and-tuning.md 1.3)."""
    known = {look_key(one): f"{look_key(one)}) exec {sudo_line(one)} ;;" for one in commands if one.root}
    return "\n".join(
        (
            "#!/bin/sh",
            "# What Holdfast's looks ask as root; all of it only reads. Owned by root, mode 0755.",
            "[ $# = 0 ] || exit 64",
            "PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C",
            "export PATH LC_ALL",
            "IFS= read -r look || exit 64",
            "exec </dev/null",
            "case $look in",
            *known.values(),
            "esac",
            f"exit {NOT_MINE}",
            "",
        )
    )


# A look that the script does not know (it is of another release) goes the way of the other commands.
_BY_SCRIPT = f"""r() {{
k=$1
shift
if [ -x {LOOK_SCRIPT} ]; then
printf '%s\\n' "$k" | sudo -n {LOOK_SCRIPT}
x=$?
[ $x = {NOT_MINE} ] || return $x
fi
s "$@"
}}
"""


def script(commands: Mapping[str, Command], nonce: str, sudo: bool) -> str:
    """The script for these commands, in their order. nonce: 32 hex digits, fresh for every script. sudo: the account
    is not root, so `root` commands run through `sudo -n`. Raises ValueError when the script would be too long."""
    if not _NONCE.fullmatch(nonce):
        raise ValueError("The nonce is not 32 hex digits.")
    parts = [_HEAD % (nonce, KILL_AFTER, KILL_AFTER)]
    if sudo and any(command.root for command in commands.values()):
        parts.append(_BY_SCRIPT)
    for number, command in enumerate(commands.values()):
        run = f"r {look_key(command)}" if sudo and command.root else "t"
        mark = f"m {number}\n" if number else ""  # the first stands at the top: it says that the host is awake
        parts.append(f"{mark}c {command.cap + 1} {run} {seconds(command.timeout)} {command.quoted()}\n")
    parts.append("m end\n")
    text = "".join(parts)
    if len(text.encode()) > MAX_SCRIPT:
        raise ValueError(f"The collector script would be longer than {MAX_SCRIPT} bytes.")
    return text


def single(command: Command, sudo: bool) -> str:
    """One command as a line for a shell, with its deadline on the host; its exit code is the line's. stdin is the
    channel's. sudo as in `script`."""
    limit, runner = seconds(command.timeout), "sudo -n " if sudo and command.root else ""
    return (
        "LC_ALL=C; PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; export LC_ALL PATH\n"
        'if { [ "$(command -v timeout)" = /usr/bin/timeout ] && [ ! -L /usr/bin/timeout ]; } ||'
        f" timeout -k 1 1 true >/dev/null 2>&1; then {runner}timeout -k {KILL_AFTER} {limit} {command.quoted()}\n"
        f"elif timeout 1 true >/dev/null 2>&1; then {runner}timeout {limit} {command.quoted()}\n"
        f"else {runner or 'env '}{command.quoted()}\n"
        "fi\n"
    )


def mark(nonce: str) -> bytes:
    """What every marker begins with. The script prints the first one before anything else."""
    return f"@@{nonce} ".encode()


def end_mark(nonce: str) -> bytes:
    """What the last marker begins with. Once its line was seen on both streams, nothing more is to come."""
    return f"@@{nonce} end ".encode()


@dataclass
class _Section:
    """What one stream holds of one section. ended False: its end was not seen. code: only stderr carries it."""

    content: bytes
    ended: bool = False
    code: int | None = None
    took: float = 0.0


def _sections(stream: bytes, nonce: str) -> list[_Section]:
    """The sections of a stream in order; the last one may lack its end. What stands before the first marker (a login
    shell's greeting) is not part of any. The exit code's line may stand in the middle of a section, since it overtakes
    what still is in the pipe; what follows it goes on with the section."""
    sections: list[_Section] = []
    began = b""
    for part in stream.split(mark(nonce))[1:]:
        marker, newline, content = part.partition(b"\n")
        word, _, value = marker.partition(b" ")
        if not newline:
            break
        if word == b"=":
            sections[-1].code = int(value)
            sections[-1].content += content
            continue
        if sections:
            sections[-1].ended = True
            sections[-1].took = _elapsed(began, value)
        if word == b"end":
            break
        sections.append(_Section(content))
        began = value
    return sections


def _elapsed(before: bytes, after: bytes) -> float:
    """Seconds between two readings of /proc/uptime; 0.0 where the host has none, or shows what is no time."""
    try:
        passed = round(float(after) - float(before), 2)
    except ValueError:
        return 0.0
    return passed if 0.0 < passed < math.inf else 0.0


_NOTHING = _Section(b"")


def read(stdout: bytes, stderr: bytes, nonce: str, commands: Mapping[str, Command]) -> dict[str, Output]:
    """Both streams of the script in, one Output per command out. A section whose end is missing has exit_code None
    and is truncated; one that never started has exit_code None and no output."""
    out, err = _sections(stdout, nonce), _sections(stderr, nonce)
    outputs: dict[str, Output] = {}
    for index, (name, command) in enumerate(commands.items()):
        one = out[index] if index < len(out) else _NOTHING
        two = err[index] if index < len(err) else _NOTHING
        started = index < len(out) or index < len(err)
        whole = one.ended and two.ended
        over = len(one.content) > command.cap or len(two.content) > command.cap
        outputs[name] = Output(
            stdout=one.content[: command.cap],
            stderr=two.content[: command.cap],
            exit_code=two.code if whole else None,
            took=one.took,
            truncated=over or (started and not whole),
        )
    return outputs
