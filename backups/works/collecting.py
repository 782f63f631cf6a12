"""Collects the recovery-day kit: asks everybody, keeps the row, and lays the signed bundle into the vault."""

from __future__ import annotations

import json
import time

from django.utils import timezone

from backups.kit import bundle
from backups.kit.bundle import Signer
from backups.kit.changes import changes
from backups.kit.content import Kit
from backups.kit.page import page
from backups.models import Kit as KitRow
from backups.services import kit, kit_declared, kit_vault, things
from backups.services.kit_page import index_html
from backups.works.composing import Sources, compose
from backups.works.gathering import gather
from inventory.models import Engine, Host
from inventory.services.signal import announce
from portal.evidence import signing
from portal.evidence.services import append
from portal.kernel.output import sha256
from portal.kernel.step import WorkFailed, Working
from portal.runs.models import Run


def work(working: Working) -> None:
    """One kit per Run: a worker that begins again finds the row, or makes the kit anew."""
    run = Run.objects.get(ref=working.parameters["run"])
    engine = Engine.objects.get(pk=int(working.parameters["target"].partition(":")[2]))
    if not KitRow.objects.filter(run=run).exists():
        _keep(working, engine, run, _collected(working, engine))
    _tidy(working, engine)


def _collected(working: Working, engine: Engine) -> Kit:
    rows = list(
        Host.objects.filter(engine=engine, watched=True, gone_since=None)
        .select_related("cluster", "engine")
        .order_by("name")
    )
    working.say(f"Asks the engine VM and {len(rows)} hosts.")
    gathered = gather(working, rows)
    asked = int(time.time())
    failed = things.fresh(engine)
    for sentence in dict.fromkeys(failed.values()):
        working.say(sentence)
    working.check()
    wiring = things.wiring(engine)
    before = kit.newest(engine)
    former = kit.content(before) if before else None
    return compose(Sources(engine, rows, gathered, failed, wiring, kit_declared.of(engine), former, asked))


def _keep(working: Working, engine: Engine, run: Run, made: Kit) -> None:
    key = signing.private_key()
    signer = Signer(signing.key_id(key), key.sign) if key else None
    before = kit.newest(engine)
    former = kit.content(before) if before else None
    differs = changes(former, made) if former else ()
    shown = page(made, made.made, key=signer.key if signer else "", changes=differs)
    try:
        raw = bundle.bundle(made, index_html(shown), signer)
    except ValueError as error:
        raise WorkFailed(f"{error} Look for it in what was declared and in the hosts' files.") from None
    name, digest = bundle.file_name(made), sha256(raw)
    part = kit_vault.write(engine, str(run.ref), raw)
    try:
        with working.writing():
            row = KitRow(
                engine=engine, run=run, at=timezone.now(), content=json.loads(bundle.to_json(made)),
                changes=list(differs), bundle=name, sha256=digest,
                outcome=str(shown.verdict.outcome), headline=shown.verdict.headline, sentence=shown.verdict.sentence,
            )  # fmt: skip
            row.save(force_insert=True)
            kit_vault.keep(part, name)
            announce("backups")
            body = {
                "bundle": name, "sha256": digest, "size": len(raw), "key": signer.key if signer else "",
                "outcome": row.outcome, "changes": len(differs),
                "not_answered": [host.name for host in made.hosts if host.source.missed or host.source.at is None],
            }  # fmt: skip
            append("kit.collected", "holdfast", f"engine:{engine.pk}", body)
    finally:
        part.unlink(missing_ok=True)
    working.say(f"{name} is in the vault, SHA-256 {digest}.")


def _tidy(working: Working, engine: Engine) -> None:
    """The newest kits keep their bundle. A file that no row names was left by a worker that died."""
    old = list(KitRow.objects.filter(engine=engine).exclude(bundle="")[kit.KEPT :])
    with working.writing():
        KitRow.objects.filter(pk__in=[row.pk for row in old]).update(bundle="", content={})
        if old:
            body = {"bundles": [row.bundle for row in old], "kept": kit.KEPT}
            append("kit.bundles_removed", "holdfast", f"engine:{engine.pk}", body)
    named = KitRow.objects.filter(engine=engine).exclude(bundle="").values_list("bundle", flat=True)
    kit_vault.sweep(engine, set(named))
