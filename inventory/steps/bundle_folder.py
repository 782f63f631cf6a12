"""Makes the folder in which a support bundle is gathered, in the login account's home."""

from __future__ import annotations

from collections.abc import Mapping

from portal.kernel.command import Command
from portal.kernel.step import Look, Parameters, Seen, Step
from portal.kernel.verdict import Verdict, done, failed, go, wait

NEEDED_KIB = 200 * 1024  # free space; a bundle is usually a few MB


def folder(parameters: Parameters) -> str:
    """The bundle's folder, relative to the home. Named after the run, so no other run can mean it."""
    return f".holdfast/bundle-{parameters['run']}"


def folder_look(parameters: Parameters) -> Command:
    """Prints there or absent."""
    return Command(("sh", "-c", 'if [ -d "$1" ]; then echo there; else echo absent; fi', "sh", folder(parameters)))


def _looks(parameters: Parameters) -> Mapping[str, Look]:
    return {"folder": folder_look(parameters), "space": Command(("df", "-Pk", "."))}


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    if seen["folder"].stdout.strip() == b"there":
        return done(f"The folder {folder(parameters)} is there.")
    return wait(f"The folder {folder(parameters)} is not there yet.")


def _ready(seen: Seen, parameters: Parameters) -> Verdict:
    free = free_kib(seen["space"].stdout)
    if seen["folder"].stdout.strip() != b"absent":
        return wait("The home of the login account could not be looked at.")
    if free is None:
        return wait("The free space in the home of the login account could not be read.")
    if free < NEEDED_KIB:
        return failed(f"The home has {free // 1024} MB free; a bundle may need {NEEDED_KIB // 1024} MB: free some.")
    return go(f"The home has {free // 1024} MB free.")


def free_kib(df: bytes) -> int | None:
    """The Available column of `df -Pk`; None when it cannot be read. A device name with spaces moves the columns, so
    it is counted from the capacity, the only word that ends in %."""
    words = df.decode("utf-8", "replace").strip().rpartition("\n")[2].split()
    marks = [index for index, word in enumerate(words) if word.endswith("%")]
    if not marks or not words[marks[0] - 1].isdecimal():
        return None
    return int(words[marks[0] - 1])


def _act(parameters: Parameters) -> tuple[Command, ...]:
    return (Command(("mkdir", "-m", "700", folder(parameters))),)


def _undo(parameters: Parameters) -> tuple[Command, ...]:
    return (Command(("rm", "-rf", folder(parameters)), timeout=60),)


STEP = Step(
    name="make_folder",
    title="Make a folder on the host",
    mutating=True,
    looks=_looks,
    ready=_ready,
    act=_act,
    settled=_settled,
    undo=_undo,
    patience=60,
    every=1,
    expected=2,
)
