"""Keeps the newest archives on the engine VM and removes older ones with their hashes and logs: they are not encrypted
there, and nobody else removes them. Only files that Holdfast named are touched, and only when the vault holds this
one."""

from __future__ import annotations

from collections.abc import Mapping

from backups.catalog import names, telling
from portal.kernel.command import Command
from portal.kernel.step import Look, Parameters, Seen, Step
from portal.kernel.verdict import Verdict, done, failed, go, wait

# names in order of time: YYYYmmddThhmmss. $2: how many stay.
_OLD = """cd "$1" || exit 1
n=0
for f in $(ls -1 | grep -E '^holdfast-[0-9]{8}T[0-9]{6}(-[0-9]+)?\\.backup$' | sort -r); do
n=$((n + 1))
[ "$n" -le "$2" ] || echo "$f"
done
"""
_REMOVE = (
    _OLD.replace(
        'echo "$f"',
        '{ b=${f%.backup}; rm -f "$f" "$f.sha256" "$b.backup.log" "$b.verify.log" && echo "removed $f"; }',
    )
    + "exit 0\n"
)


def old_look(parameters: Parameters) -> Command:
    """Prints the names of the archives that are too many, one per line."""
    return Command(("sh", "-c", _OLD, "sh", parameters["directory"], str(parameters["engine_keep"])), root=True)


def _looks(parameters: Parameters) -> Mapping[str, Look]:
    return {"old": old_look(parameters), **telling.looks(parameters)}


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    keep = parameters["engine_keep"]
    if seen["old"].exit_code != 0:
        return wait("The folder for archives on the engine VM could not be looked at.")
    many = len(seen["old"].stdout.split())
    if many:
        return wait(f"{many} archives more than {keep} are on the engine VM.")
    return done(f"At most {keep} archives are on the engine VM.")


def _ready(seen: Seen, parameters: Parameters) -> Verdict:
    if telling.told(seen)["status"] != "DONE":
        return failed("This backup is not in the vault, so nothing older is removed on the engine VM.")
    return go("This backup is in the vault.") if seen["old"].exit_code == 0 else wait("The folder could not be read.")


def _act(parameters: Parameters) -> tuple[Command, ...]:
    words = (parameters["directory"], str(parameters["engine_keep"]))
    return (Command(("sh", "-c", _REMOVE, "sh", *words), timeout=120, root=True),)


STEP = Step(
    name="tidy",
    title="Keep only the newest archives on the engine VM",
    mutating=True,
    looks=_looks,
    ready=_ready,
    act=_act,
    settled=_settled,
    undo=f"No undo: what is removed ({names.PREFIX}*.backup beyond the number to keep) is in the vault.",
    patience=180,
    expected=2,
)
