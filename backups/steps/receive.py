"""Brings the archive into the vault, encrypted on the way, and compares it with the SHA-256 taken on the engine VM."""

from __future__ import annotations

from backups.catalog import telling
from portal.kernel.step import Act, Parameters, Seen, Step, Work
from portal.kernel.verdict import Verdict, done, wait


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    told = telling.told(seen)
    if told["status"] != "DONE":
        return wait("The archive is not in the vault yet.")
    size = told["size"] / 1024 / 1024
    return done(f"The archive of {size:.1f} MiB is in the vault; both sides have the SHA-256 {told['sha256']}.")


def _act(parameters: Parameters) -> tuple[Act, ...]:
    return (Work("backups.receive"),)


STEP = Step(
    name="receive",
    title="Bring the archive into the vault, encrypted",
    mutating=False,
    looks=telling.looks,
    act=_act,
    settled=_settled,
    undo="No undo: a copy in the vault changes nothing on the engine VM.",
    patience=24 * 3600,
    expected=20,
)
