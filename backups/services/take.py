"""Starting a backup: one catalog entry and one Run, saved together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.utils import timezone

from backups.models import Backup, Policy
from backups.services import recipients, vault
from portal.changes.asked import Asked
from portal.runs.models import Run
from portal.runs.services import start as start_run
from portal.runs.services import warm
from portal.runs.services.refused import Refused

PLAN = "backup_take"


def start(
    policy: Policy,
    by: str,
    reason: str = Backup.Reason.PERSON,
    change: str | Asked = "",
    due_at: datetime | None = None,
    key: str = "",
) -> Run:
    """Takes a backup of the policy's engine as the policy says. by: user name, or "holdfast". due_at: the planned start
    that it runs for. The same key gives the same Run. Raises Refused, with a sentence: most often because another Run
    has the engine."""
    asked = Asked.of(change)
    warm(asked, f"engine:{policy.engine_id}", by)
    recipients.own()
    vault.destination()
    now = timezone.now()
    refusal: Refused | None = None
    with transaction.atomic():
        Policy.objects.select_for_update().get(pk=policy.pk)  # two starts within one second get two names
        ident = _earlier(by, key) or _ident(policy, now)
        try:
            run = start_run(PLAN, parameters(policy, ident), f"engine:{policy.engine_id}", by, asked, key)
        except Refused as error:
            # what is recorded of a refusal must outlive this transaction
            refusal, run = error, Run()
        else:
            Backup.objects.get_or_create(
                run=run,
                defaults={
                    "engine_id": policy.engine_id, "policy": policy, "ident": run.parameters["ident"], "taken": now,
                    "reason": reason, "asked_by": by, "change": run.change, "due_at": due_at,
                },
            )  # fmt: skip
    if refusal is not None:
        raise refusal
    return run


def _earlier(by: str, key: str) -> str:
    """The name of the backup that this key has started before: only then is the wish the same."""
    run = Run.objects.filter(requested_by=by, idempotency_key=key, plan=PLAN).first() if key else None
    return str(run.parameters["ident"]) if run else ""


def _ident(policy: Policy, now: datetime) -> str:
    """YYYYmmddThhmmss in UTC; the next free second when the engine has a backup of that name."""
    taken = set(Backup.objects.filter(engine_id=policy.engine_id).order_by("-pk").values_list("ident", flat=True)[:50])
    while (ident := f"{now.astimezone(UTC):%Y%m%dT%H%M%S}") in taken:
        now += timedelta(seconds=1)
    return ident


def parameters(policy: Policy, ident: str) -> dict[str, str | int]:
    """Of a Run that takes a backup by this policy."""
    return {
        "ident": ident,
        "directory": policy.directory,
        "tmp_directory": policy.tmp_directory,
        "scope": ",".join(policy.scope),
        "timeout": policy.timeout,
        "engine_keep": policy.engine_keep,
    }
