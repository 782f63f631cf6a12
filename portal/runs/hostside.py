"""What stands on the host: one folder per Run, in it one folder per act. Pure: scripts out, answers read.

`mkdir` is atomic, so an act whose folder is there has been claimed and is never started again, whoever asks. The
command itself runs detached in a session of its own, with its output and exit code in files: a lost link, worker or
portal changes nothing (facts/engine-backup.md 7: setsid with files survives the drop, nohup on the SSH pipe does not).

    .holdfast/<run>/<act>/job      what runs, as sh
                          pid      process id and its start time (field 22 of /proc/<pid>/stat)
                          out err  its output
                          rc       its exit code; appears when it has ended
                          sealed   it never started and never will

The Run's folder must be there before an act's folder can be made, and it is removed when the Run has ended: an order
from a worker that was paused all the while then finds nothing to start in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from portal.kernel.collector import seconds, sudo_line
from portal.kernel.command import Command
from portal.kernel.output import LookFailed, Output

CHUNK = 262_144  # bytes of each stream that one tail brings at most
KEEP_DAYS = 30  # folders that a broken Run left behind go after this

OPEN = f"""umask 077
mkdir -p .holdfast || exit 77
find .holdfast -mindepth 1 -maxdepth 1 -type d -mtime +{KEEP_DAYS} -exec rm -rf {{}} + 2>/dev/null
[ -d ".holdfast/$1" ] || mkdir ".holdfast/$1" || [ -d ".holdfast/$1" ] || exit 77
"""

_WRAP = """echo "$$ $(cut -d" " -f22 /proc/$$/stat)" >"$0/pid.new" && mv "$0/pid.new" "$0/pid"
sh "$0/job" >"$0/out" 2>"$0/err"
echo $? >"$0/rc.new" && sync "$0/rc.new" 2>/dev/null
mv "$0/rc.new" "$0/rc"
"""

# sync: a host that loses power right after the start must not forget that it started
START = """d=".holdfast/$1/$2"
umask 077
command -v setsid >/dev/null || { echo "setsid is missing" >&2; exit 77; }
if ! mkdir "$d" 2>/dev/null; then
[ -d "$d" ] && exit 75
[ -d ".holdfast/$1" ] || exit 76
mkdir "$d" || exit 77
fi
printf '%s\\n' "$3" >"$d/job" || exit 77
: >"$d/out" && : >"$d/err" || exit 77
sync "$d/job" "$d" ".holdfast/$1" 2>/dev/null
setsid sh -c "$4" "$d" </dev/null >/dev/null 2>&1 &
"""

# alive: the leader of the act's session, which outlives the rest unless somebody kills it.
# members: the session's live processes. timeout(1) makes a process group of its own, so a group would not be all.
# A process id that was given out again has another start time, and its session is not ours.
_ALIVE = """alive() {
{ read -r p t <"$d/pid"; } 2>/dev/null && { read -r l <"/proc/$p/stat"; } 2>/dev/null || return 1
set -- ${l##*) }
[ "${20}" = "$t" ] && [ "$1" != Z ]
}
members() {
m=
{ read -r p t <"$d/pid"; } 2>/dev/null || return 1
if { read -r l <"/proc/$p/stat"; } 2>/dev/null; then set -- ${l##*) }; [ "${20}" = "$t" ] || return 1; fi
for f in /proc/[0-9]*/stat; do
{ read -r l <"$f"; } 2>/dev/null || continue
set -- ${l##*) }
[ "$4" = "$p" ] && [ "$1" != Z ] && [ "${20}" -ge "$t" ] || continue
f=${f#/proc/}
m="$m ${f%/stat}"
done
[ -n "$m" ]
}
"""

TAIL = f"""d=".holdfast/$1/$2"
{_ALIVE}if [ ! -d "$d" ]; then s=absent; [ -d ".holdfast/$1" ] || s=closed
elif [ -e "$d/rc" ]; then s=ended
elif [ -e "$d/sealed" ]; then s=sealed
elif alive || members; then s=running
elif [ -e "$d/rc" ]; then s=ended
elif [ -e "$d/pid" ]; then s=lost
else s=claimed
fi
r=-; [ "$s" = ended ] && read -r r <"$d/rc"
n() {{
z=$(wc -c 2>/dev/null <"$d/$1") || z=0
n=$((${{z:-0}} - $2))
[ "$n" -gt 0 ] || n=0
[ "$n" -lt {CHUNK} ] || n={CHUNK}
}}
n out "$3"; o=$n
n err "$4"; e=$n
echo "holdfast $s $r $o $e"
[ "$o" = 0 ] || tail -c "+$(($3 + 1))" "$d/out" | head -c "$o"
[ "$e" = 0 ] || tail -c "+$(($4 + 1))" "$d/err" | head -c "$e"
"""

SEAL = """umask 077
mkdir -p ".holdfast/$1" || exit 77
mkdir "$d" 2>/dev/null || exit 75
: >"$d/sealed"
""".replace("$d", ".holdfast/$1/$2")

STOP = f"""d=".holdfast/$1/$2"
{_ALIVE}[ -e "$d/rc" ] && exit 0
members || exit 0
k() {{ kill "-$1" $m 2>/dev/null || sudo -n kill "-$1" $m 2>/dev/null; }}
k TERM
i=0
while members && [ "$i" -lt 20 ]; do sleep 0.25; i=$((i + 1)); done
members && k KILL
[ -e "$d/rc" ] || {{ echo 143 >"$d/rc.new" && mv "$d/rc.new" "$d/rc"; }}
"""

CLOSE = """rm -rf ".holdfast/$1"
rmdir .holdfast 2>/dev/null
exit 0
"""

STARTED, ALREADY, NO_FOLDER, CANNOT = 0, 75, 76, 77


def script(text: str, *words: str, timeout: float = 20.0, cap: int = 4_000_000) -> Command:
    """A Command that runs one of the scripts above with $1, $2, ..."""
    return Command(("sh", "-c", text, "holdfast", *words), timeout=timeout, cap=cap)


def job(commands: Sequence[Command]) -> str:
    """The commands as one sh script: in order, each with its own timeout, until one fails. `root` ones go through
    `sudo -n` unless the account is root."""
    lines = ["LC_ALL=C", "PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin", "export LC_ALL PATH"]
    for command in commands:
        own = f"timeout -k 5 {seconds(command.timeout)} {command.quoted()}"
        if command.root:
            lines.append(f'if [ "$(id -u)" = 0 ]; then {own}; else sudo -n {sudo_line(command)}; fi || exit')
        else:
            lines.append(f"{own} || exit")
    return "\n".join(lines)


def start(run: str, act: str, commands: Sequence[Command]) -> Command:
    """Starts the commands detached, unless the act's folder is there. Ends at once: 0 started, 75 claimed before,
    76 the Run's folder is not there, 77 the folder cannot be made (stderr says why)."""
    return script(START, run, act, job(commands), _WRAP)


class Progress(StrEnum):
    """How far an act is on the host. claimed: the folder is there, nothing has started yet (or ever will, when the
    shell that made it died). lost: it ran and ended without an exit code. closed: the Run's folder is not there."""

    CLOSED = "closed"
    ABSENT = "absent"
    CLAIMED = "claimed"
    SEALED = "sealed"
    RUNNING = "running"
    ENDED = "ended"
    LOST = "lost"

    @property
    def started(self) -> bool:
        return self in (Progress.CLAIMED, Progress.RUNNING, Progress.ENDED, Progress.LOST)


@dataclass(frozen=True)
class Tail:
    """What one tail brought: progress, exit code when ended, and the bytes after the offsets."""

    progress: Progress
    exit_code: int | None
    out: bytes
    err: bytes


def tail(run: str, act: str, out_offset: int, err_offset: int) -> Command:
    """Asks how far an act is and for its output from the offsets on (bytes)."""
    return script(TAIL, run, act, str(out_offset), str(err_offset), cap=2 * CHUNK + 1_000)


def results(run: str, act: str) -> dict[str, Command]:
    """Looks at an act's three files: out, err and rc."""
    return {name: Command(("cat", f".holdfast/{run}/{act}/{name}")) for name in ("out", "err", "rc")}


def read_tail(output: Output) -> Tail:
    """Reads the answer to `tail`. Raises LookFailed when it did not come whole."""
    head, _, body = output.stdout.partition(b"\n")
    words = head.decode("ascii", "replace").split()
    try:
        if output.exit_code != 0 or output.truncated or words[0] != "holdfast":
            raise ValueError
        progress, out, err = Progress(words[1]), int(words[3]), int(words[4])
        code = int(words[2]) if progress is Progress.ENDED else None
    except (ValueError, IndexError):
        why = output.error_line() or f"exit code {output.exit_code}"
        raise LookFailed(f"The state of the command on the target could not be read ({why}).") from None
    if len(body) != out + err:
        raise LookFailed("The output of the command on the target did not come whole.")
    return Tail(progress, code, body[:out], body[out:])
