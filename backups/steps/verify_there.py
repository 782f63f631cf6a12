"""Runs engine-backup --mode=verify on the engine VM. It proves little and touches the file (facts/engine-backup.md 0.3,
0.5), so it only ever gets a file that is there; its verdict is one rung of the ladder."""

from __future__ import annotations

from backups.catalog import names
from backups.steps.take import MARGIN, final, temporary
from portal.kernel.command import Command
from portal.kernel.step import ACT, LOST, Parameters, Seen, Step
from portal.kernel.verdict import Verdict, done, wait

_SCRIPT = """umask 077
file=$1 log=$2 tmp=$3 limit=$4
[ -s "$file" ] || { echo "holdfast: $file is not there" >&2; exit 90; }
mkdir "$tmp" || { echo "holdfast: the temporary folder $tmp cannot be made" >&2; exit 90; }
timeout -k 30 "$limit" engine-backup --mode=verify --file="$file" --log="$log" --tmpdir="$tmp"
r=$?
rm -rf "$tmp"
exit "$r"
"""


def log(parameters: Parameters) -> str:
    """engine-backup's log of the verification."""
    return names.log(parameters["directory"], parameters["ident"], "verify")


def _folder(parameters: Parameters) -> str:
    return temporary(parameters).removesuffix(".tmp") + ".verify.tmp"


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    act = seen.get(ACT)
    if act is not None and act.exit_code is not None:
        return done(f"engine-backup --mode=verify has ended with exit code {act.exit_code}.")
    if LOST in seen:
        return done("The end of engine-backup --mode=verify was not seen: the ladder says so.")
    return wait("engine-backup --mode=verify has not ended.")


def _act(parameters: Parameters) -> tuple[Command, ...]:
    limit = int(parameters["timeout"])
    words = (final(parameters), log(parameters), _folder(parameters), str(limit))
    return (Command(("sh", "-c", _SCRIPT, "sh", *words), timeout=limit + MARGIN, root=True),)


def _undo(parameters: Parameters) -> tuple[Command, ...]:
    return (Command(("rm", "-rf", _folder(parameters)), timeout=60, root=True),)


STEP = Step(
    name="verify_there",
    title="Let engine-backup verify the archive",
    mutating=True,
    act=_act,
    settled=_settled,
    undo=_undo,
    patience=7 * 24 * 3600,
    every=2,
    expected=5,
)
