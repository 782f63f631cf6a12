"""One POSIX sh script for all commands of a visit to a host, and the reader of what it prints. Pure.

The script needs no Python and no temporary file on the host; dash, bash and busybox run it. stdout and stderr are two
streams with the same markers: `\\n@@<nonce> <n> <exit code> <uptime>\\n` ends section n and starts section n + 1, so a
section is read byte for byte, whatever it holds (docs/adr/0004; facts/luns-and-tuning.md 2.2, hosted-engine.md 1)."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from portal.kernel.command import Command
from portal.kernel.output import Output

MAX_SCRIPT = 100_000  # bytes; Linux takes at most 128 KiB in one argument of exec
KILL_AFTER = 2  # seconds between timeout's TERM and its KILL

_NONCE = re.compile(r"[0-9a-f]{32}")

# Descriptors: 3 carries the exit code past the pipes that cap the output, 4 and 5 are the script's own stdout and
# stderr, 6 is the pipe of a command's stdout. The marker is never in the script as one word, so that a command which
# prints its parent's command line (ps, /proc/*/cmdline) cannot print a marker.
_HEAD = r"""N=%s
LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export LC_ALL PATH
exec 4>&1 5>&2 </dev/null
m() {
{ read -r U x </proc/uptime; } 2>/dev/null || U=-
printf '\n@@%%s %%s %%s %%s\n' "$N" "$1" "$2" "$U"
printf '\n@@%%s %%s %%s %%s\n' "$N" "$1" "$2" "$U" >&5
}
m 0 -
l() { head -c "$1"; }
t() { timeout -k %d "$@"; }
s() { sudo -n timeout -k %d "$@"; }
if timeout -k 1 1 head -c 0 </dev/null >/dev/null 2>&1; then :; else
printf %%s x | head -c 1 >/dev/null 2>&1 || l() { cat; }
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
i=$1 o=$2
shift 2
R=$(
{ {
{ { "$@" 3>&- 4>&- 5>&-; echo $? >&3; } 2>&1 >&6 6>&- | l "$o" >&5 3>&- 4>&- 6>&-
} 6>&1 | l "$o" >&4 3>&- 5>&-
} 3>&1
} 2>/dev/null )
m "$i" "${R:--}"
}
"""


def seconds(timeout: float) -> int:
    """A timeout as timeout(1) of every system takes it: whole seconds, at least one."""
    return max(1, math.ceil(timeout))


def sudo_line(command: Command) -> str:
    """What `root` commands run through sudo, word for word: the line that a sudoers file must allow.
    timeout(1) stands behind sudo, since a user's own timeout cannot end a process of root."""
    return shlex.join(("timeout", "-k", str(KILL_AFTER), str(seconds(command.timeout)), *command.argv))


def script(commands: Mapping[str, Command], nonce: str, sudo: bool) -> str:
    """The script for these commands, in their order. nonce: 32 hex digits, fresh for every script. sudo: the account
    is not root, so `root` commands run through `sudo -n`. Raises ValueError when the script would be too long."""
    if not _NONCE.fullmatch(nonce):
        raise ValueError("The nonce is not 32 hex digits.")
    parts = [_HEAD % (nonce, KILL_AFTER, KILL_AFTER)]
    for number, command in enumerate(commands.values(), 1):
        run = "s" if sudo and command.root else "t"
        parts.append(f"c {number} {command.cap + 1} {run} {seconds(command.timeout)} {command.quoted()}\n")
    parts.append("m end 0\n")
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
        f"if timeout -k 1 1 true >/dev/null 2>&1; then {runner}timeout -k {KILL_AFTER} {limit} {command.quoted()}\n"
        f"elif timeout 1 true >/dev/null 2>&1; then {runner}timeout {limit} {command.quoted()}\n"
        f"else {runner or 'env '}{command.quoted()}\n"
        "fi\n"
    )


def start_marker(nonce: str) -> bytes:
    """The start of the first marker, which the script prints before anything else."""
    return f"\n@@{nonce} 0 ".encode()


def end_marker(nonce: str) -> bytes:
    """The start of the last marker. Once it was seen on both streams, nothing more is to come."""
    return f"\n@@{nonce} end ".encode()


@dataclass(frozen=True)
class _Section:
    """What one stream holds of one section. code None: the end was not seen."""

    content: bytes
    code: int | None
    ended: bool
    took: float = 0.0


def _sections(stream: bytes, nonce: str) -> Iterator[_Section]:
    """The sections of a stream in order; the last one may lack its end. What stands before the first marker (a
    login shell's greeting) is not part of any section."""
    marker = re.compile(rf"\n@@{nonce} (\d+|end) (\d+|-) (\S+)\n".encode())
    previous = marker.search(stream)
    if previous is None:
        return
    start = previous.end()
    for found in marker.finditer(stream, start):
        if found[1] == b"end":
            return
        code = None if found[2] == b"-" else int(found[2])
        yield _Section(stream[start : found.start()], code, True, _elapsed(previous[3], found[3]))
        previous, start = found, found.end()
    yield _Section(stream[start:], None, False)


def _elapsed(before: bytes, after: bytes) -> float:
    """Seconds between two readings of /proc/uptime; 0.0 where the host has none."""
    try:
        return max(0.0, round(float(after) - float(before), 2))
    except ValueError:
        return 0.0


_NOTHING = _Section(b"", None, False)


def read(stdout: bytes, stderr: bytes, nonce: str, commands: Mapping[str, Command]) -> dict[str, Output]:
    """Both streams of the script in, one Output per command out. A section whose end is missing has exit_code None
    and is truncated; one that never started has exit_code None and no output."""
    out = list(_sections(stdout, nonce))
    err = list(_sections(stderr, nonce))
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
            exit_code=one.code if whole else None,
            took=one.took,
            truncated=over or (started and not whole),
        )
    return outputs
