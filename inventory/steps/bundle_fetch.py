"""Brings the support bundle into the vault and compares it with what the host says it is."""

from __future__ import annotations

from collections.abc import Mapping

from inventory.steps.bundle_collect import BUNDLE, bundle, digest_look, sha256_in
from portal.kernel.step import Act, Fetch, Kept, Look, Parameters, Seen, Step
from portal.kernel.verdict import Verdict, done, failed, go, wait


def _looks(parameters: Parameters) -> Mapping[str, Look]:
    return {"digest": digest_look(parameters), "kept": Kept(BUNDLE)}


def _settled(seen: Seen, parameters: Parameters) -> Verdict:
    there, here = sha256_in(seen["digest"].stdout), sha256_in(seen["kept"].stdout)
    if not here:
        return wait("The bundle is not in the vault yet.")
    if not there:
        return wait("The host does not say which SHA-256 the bundle has.")
    if here != there:
        return failed(f"The bundle in the vault has the SHA-256 {here}, on the host it has {there}: do not use it.")
    return done(f"The bundle is in the vault; both sides have the SHA-256 {here}.")


def _ready(seen: Seen, parameters: Parameters) -> Verdict:
    if not sha256_in(seen["digest"].stdout):
        return wait("The host does not say which SHA-256 the bundle has.")
    return go("The bundle waits on the host.")


def _act(parameters: Parameters) -> tuple[Act, ...]:
    return (Fetch(bundle(parameters), BUNDLE),)


STEP = Step(
    name="fetch",
    title="Bring the bundle into the vault",
    mutating=False,
    looks=_looks,
    ready=_ready,
    act=_act,
    settled=_settled,
    undo="No undo: a copy in the vault changes nothing on the host.",
    patience=300,
    every=2,
    expected=5,
)
