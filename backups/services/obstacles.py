"""What stands in the way of something that is due: met, counted, tried again later and later, and said on the page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from backups.models import Obstacle, Policy
from portal.evidence import services as evidence
from portal.runs.models import Run
from portal.runs.services import Refused
from portal.runs.states import ENDED

PAUSES = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=1))
AGAIN = timedelta(minutes=1)  # an obstacle that is met again is written again only so often
COUNTED = 10  # ended runs that are looked at


def pause(failures: int) -> timedelta:
    """How long to wait after so many failures in a row: 1 min, 5 min, 30 min, then hourly."""
    return PAUSES[min(max(failures, 1), len(PAUSES)) - 1]


def meet(policy: Policy, act: str, subject: str, sentence: str, now: datetime, wait: bool = True) -> None:
    """Notes an obstacle. wait: it is tried again after a pause that grows; otherwise at every tick."""
    met, new = Obstacle.objects.get_or_create(
        policy=policy,
        act=act,
        subject=subject,
        defaults={"sentence": sentence, "since": now, "at": now, "tries": 1, "retry_at": now + pause(1)},
    )
    if not new and (wait or met.sentence != sentence or abs(now - met.at) >= AGAIN):
        met.sentence, met.at, met.tries = sentence, now, met.tries + 1
        met.retry_at = now + pause(met.tries)
    if not wait:
        met.retry_at = None
    met.save()


def clear(policy: Policy, act: str, subject: str = "") -> None:
    """It is done or no longer wanted. subject "": whatever the act was about."""
    rows = policy.obstacles.filter(act=act)
    (rows.filter(subject=subject) if subject else rows).delete()


def attempt(policy: Policy, act: str, subject: str, now: datetime, deed: Callable[[], Run]) -> Run | None:
    """Starts a Run unless an obstacle is still to be waited out. A refusal becomes an obstacle; None then."""
    met = policy.obstacles.filter(act=act, subject=subject).first()
    # a retry that lies further ahead than any pause is the work of a clock that jumped
    if met and met.retry_at and now < met.retry_at <= now + PAUSES[-1]:
        return None
    try:
        run = deed()
    except Refused as refusal:
        meet(policy, act, subject, str(refusal), now, wait=refusal.kind != "active")
        return None
    clear(policy, act, subject)
    return run


def busy(target: str) -> Run | None:
    """The Run that is under way on a target. A drill or maintenance of the hosted-engine pair has its engine, too."""
    kind, _, key = target.partition(":")
    targets = [target, f"she:{key}"] if kind == "engine" else [target]
    return Run.objects.filter(target__in=targets, status__in=Run.ACTIVE).order_by("pk").first()


def calmed(plan: str, target: str, now: datetime, **parameters: object) -> bool:
    """Whether enough time has passed since the runs of this plan on this target that failed one after the other."""
    rows = Run.objects.filter(plan=plan, target=target, status__in=ENDED, parameters__contains=parameters)
    last: datetime | None = None
    failures = 0
    for status, ended in rows.order_by("-pk").values_list("status", "ended")[:COUNTED]:
        if status == Run.Status.SUCCEEDED:
            break
        failures += 1
        last = last or ended
    return last is None or not now < last + pause(failures) <= now + PAUSES[-1]


def record(kind: str, policy: Policy, body: dict[str, object]) -> None:
    """One record of the evidence about a policy; last in its transaction."""
    content = {"policy": policy.name, "engine": policy.engine.name, **body}
    evidence.append(kind, "holdfast", f"policy:{policy.pk}", content)
