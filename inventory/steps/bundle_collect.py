"""Gathers what support asks for into one tar file, slowly and politely, and writes its SHA-256 beside it.

The files that hold passwords (hosted-engine.conf with its iSCSI login, answers files, broker.conf with its mail login)
are not gathered."""

from __future__ import annotations

from collections.abc import Mapping

from inventory.steps.bundle_folder import folder
from portal.kernel.command import Command
from portal.kernel.step import Look, Parameters, Seen, Step, act_ended
from portal.kernel.verdict import Verdict, Word, done, failed, go, wait

BUNDLE = "bundle.tar.gz"
DIGEST = "bundle.sha256"

# A file's name in the bundle, and what prints it. Each gets its own timeout: `hosted-engine --vm-status` has none and
# hangs with its broker (facts/hosted-engine.md 1). LINES: as many as the parameter says.
LINES = "{lines}"
ITEMS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("vm-status.txt", ("hosted-engine", "--vm-status")),
    ("vm-status.json", ("hosted-engine", "--vm-status", "--json")),
    ("ha.conf", ("cat", "/var/lib/ovirt-hosted-engine-ha/ha.conf")),
    ("agent.log", ("tail", "-n", LINES, "/var/log/ovirt-hosted-engine-ha/agent.log")),
    ("broker.log", ("tail", "-n", LINES, "/var/log/ovirt-hosted-engine-ha/broker.log")),
    ("vdsm.log", ("tail", "-n", LINES, "/var/log/vdsm/vdsm.log")),
    ("sanlock.log", ("tail", "-n", LINES, "/var/log/sanlock.log")),
    ("messages", ("tail", "-n", LINES, "/var/log/messages")),
    ("multipath.txt", ("multipath", "-ll")),
    ("multipath.json", ("multipathd", "show", "maps", "json")),
    ("sanlock.txt", ("sanlock", "client", "status")),
    (
        "units.txt",
        (
            "systemctl",
            "--no-pager",
            "-l",
            "status",
            "ovirt-ha-agent",
            "ovirt-ha-broker",
            "vdsmd",
            "sanlock",
            "multipathd",
        ),
    ),
    ("failed-units.txt", ("systemctl", "--no-pager", "--failed")),
    ("packages.txt", ("rpm", "-qa", "--last")),
    ("addresses.txt", ("ip", "-d", "address")),
    ("space.txt", ("df", "-Pk")),
    ("memory.txt", ("cat", "/proc/meminfo")),
    ("uptime.txt", ("cat", "/proc/uptime")),
    ("release.txt", ("cat", "/etc/os-release")),
)

# g FILE COMMAND...: what a command printed, its complaints after it, and one line about how it went.
_SCRIPT = """d=$1
[ -d "$d" ] || { echo "the folder $d is gone" >&2; exit 1; }
mkdir -p "$d/parts" || exit 1
s=
[ "$(id -u)" = 0 ] || ! sudo -n true 2>/dev/null || s='sudo -n'
g() {
f=$1
shift
$s nice -n 19 timeout -k 5 30 "$@" >"$d/parts/$f" 2>"$d/parts/$f.err" </dev/null
r=$?
[ -s "$d/parts/$f.err" ] || rm -f "$d/parts/$f.err"
echo "$f: exit code $r, $(wc -c <"$d/parts/$f") bytes"
}
%s
nice -n 19 tar -C "$d/parts" -czf "$d/bundle.new" . || exit 1
mv "$d/bundle.new" "$d/bundle.tar.gz" || exit 1
s=$(sha256sum "$d/bundle.tar.gz") || exit 1
echo "${s%%%% *}" >"$d/bundle.sha256.new" && mv "$d/bundle.sha256.new" "$d/bundle.sha256"
"""


def bundle(parameters: Parameters) -> str:
    """The tar file, relative to the home."""
    return f"{folder(parameters)}/{BUNDLE}"


def digest_look(parameters: Parameters) -> Command:
    """Prints the SHA-256 that the host wrote; nothing while there is none."""
    path = f"{folder(parameters)}/{DIGEST}"
    return Command(("sh", "-c", 'if [ -e "$1" ]; then cat "$1"; fi', "sh", path))


def sha256_in(text: bytes) -> str:
    """64 hex digits, or "" when it is anything else."""
    word = text.decode("ascii", "replace").strip()
    return word if len(word) == 64 and set(word) <= set("0123456789abcdef") else ""


def _looks(parameters: Parameters) -> Mapping[str, Look]:
    return {"digest": digest_look(parameters)}


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    if sha256_in(seen["digest"].stdout):
        return done(f"The bundle is gathered; its SHA-256 is {sha256_in(seen['digest'].stdout)}.")
    verdict = act_ended(seen, "Gathering the bundle")
    if verdict.word is Word.DONE:
        return failed("Gathering the bundle ended with exit code 0 and left no bundle: look at the home's disk.")
    return verdict


def _ready(seen: Seen, parameters: Parameters) -> Verdict:
    if seen["digest"].exit_code != 0:
        return wait("The bundle's folder could not be looked at.")
    return go("Nothing is gathered yet.")


def _act(parameters: Parameters) -> tuple[Command, ...]:
    lines = str(parameters["log_lines"])
    filled = ((name, tuple(lines if word == LINES else word for word in argv)) for name, argv in ITEMS)
    calls = "\n".join(f"g {name} {Command(argv).quoted()}" for name, argv in filled)
    return (Command(("sh", "-c", _SCRIPT % calls, "sh", folder(parameters)), timeout=900),)


def _undo(parameters: Parameters) -> tuple[Command, ...]:
    place = folder(parameters)
    names = (f"{place}/parts", f"{place}/bundle.new", f"{place}/{BUNDLE}", f"{place}/{DIGEST}")
    return (Command(("rm", "-rf", *names), timeout=60),)


STEP = Step(
    name="collect",
    title="Gather logs and states on the host",
    mutating=True,
    looks=_looks,
    ready=_ready,
    act=_act,
    settled=_settled,
    undo=_undo,
    patience=960,
    every=2,
    expected=30,
)
