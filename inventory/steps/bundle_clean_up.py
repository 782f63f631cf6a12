"""Removes the support bundle's folder from the host, once the bundle is in the vault."""

from __future__ import annotations

from collections.abc import Mapping

from inventory.steps.bundle_folder import folder, folder_look
from portal.kernel.command import Command
from portal.kernel.step import Look, Parameters, Seen, Step
from portal.kernel.verdict import Verdict, done, wait


def _looks(parameters: Parameters) -> Mapping[str, Look]:
    return {"folder": folder_look(parameters)}


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    if seen["folder"].stdout.strip() == b"absent":
        return done(f"The folder {folder(parameters)} is gone from the host.")
    return wait(f"The folder {folder(parameters)} is still on the host.")


def _act(parameters: Parameters) -> tuple[Command, ...]:
    return (Command(("rm", "-rf", folder(parameters)), timeout=60),)


STEP = Step(
    name="clean_up",
    title="Remove the folder from the host",
    mutating=True,
    looks=_looks,
    act=_act,
    settled=_settled,
    undo="No undo: the bundle stays in the vault.",
    patience=90,
    every=1,
    expected=2,
)
