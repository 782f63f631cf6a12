"""A failover drill of the engine, from the wish to its closing, in the whole demo: how far the measured outage is from
the one that the lab knows to be true. At speed 1 it takes about 15 minutes, most of it for the old host's score to come
back (facts/hosted-engine.md 6 b)."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from bench.result import finish
from deploy.stack import Stack

RHYTHM = 0.5  # seconds between two questions
PATIENCE = 300.0  # seconds for the demo to become ready for a drill
LIMIT = 900.0  # lab seconds for the whole drill, and as many real ones on top
OBJECTIVE = 600


def django_on(stack: Stack) -> None:
    """This process's Django, on the stack's database."""
    os.environ.update({name: stack.env[name] for name in stack.env if name.startswith("HOLDFAST_")})
    os.environ["HOLDFAST_LOG_LEVEL"] = "ERROR"
    import django

    django.setup()


def until(found: Callable[[], Any], limit: float, what: str) -> Any:
    """The first true answer; ends the benchmark when none comes within `limit` seconds."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        if answer := found():
            return answer
        time.sleep(0.5)
    sys.exit(f"bench drill: {what} did not come within {limit:.0f} s")


def proven(engine: Any) -> None:
    """A backup of an hour ago that counts as proven: what a backup takes is another benchmark's."""
    from django.utils import timezone

    from backups.models import Backup, Copy, Destination, Policy

    Policy.objects.update(enabled=False)
    backup = Backup.objects.create(
        engine=engine, policy=Policy.objects.first(), ident="bench", taken=timezone.now() - timedelta(hours=1),
        status="DONE", proof="proven", whole=True,
    )  # fmt: skip
    place = Destination.objects.order_by("pk")[0]
    Copy.objects.create(backup=backup, destination=place, state=Copy.State.HELD)


def asked(engine: Any, said: list[str]) -> Any:
    """The drill, or None while it is refused; said: reasons that were shown."""
    from failover.services import drills
    from portal.runs.services import Refused

    objectives = [
        {"key": "engine", "title": "The engine serves again", "kind": "rto", "service": "engine", "seconds": OBJECTIVE}
    ]
    try:
        return drills.request(engine, "she_failover", {}, by="operator", objectives=objectives)
    except Refused as refusal:
        words = str(refusal)
        if words not in said:
            said.append(words)
            print(f"bench drill: not yet: {words}", file=sys.stderr, flush=True)
        return None


def begin(drill: Any) -> None:
    """Another person agrees, and the first one begins."""
    from failover.catalog.binding import hash_of
    from failover.services import approvals, conduct

    approvals.approve(drill.pk, "approver", hash_of(approvals.content(drill)))
    conduct.begin(drill.pk, "operator")


def closed(drill: Any) -> bool:
    """Whether the prober has measured and closed it. A run that needs a person ends the benchmark."""
    drill.refresh_from_db()
    drill.run.refresh_from_db()
    if drill.run.status in ("needs_attention", "failed", "errored"):
        sys.exit(f"bench drill: the run is {drill.run.status}: {drill.run.sentence}")
    return drill.closed_at is not None


def measure(stack: Stack, speed: float) -> tuple[dict[str, Any], float]:
    """The engine as it was measured, and the true outage in seconds."""
    from inventory.models import Engine

    engine = Engine.objects.get()
    proven(engine)
    said: list[str] = []
    drill = until(lambda: asked(engine, said), PATIENCE, "readiness for the drill")
    begin(drill)
    until(lambda: closed(drill), LIMIT / speed + LIMIT, "the drill's end")
    print(f"{drill.title}: {drill.run.status}. {drill.verdicts[0]['word']}: {drill.verdicts[0]['sentence']}")
    (true,) = stack.call("GET", "/truth")["engine_outages"]
    service = next(one for one in drill.measured["services"] if one["key"] == "engine")
    return service, true["until_wall"] - true["from_wall"]


def report(service: dict[str, Any], true: float, speed: float) -> int:
    """The table and the last line."""
    if not service["outages"]:
        sys.exit(f"bench drill: no outage was seen: {service['state']} {service['why']}")
    (outage,) = service["outages"]
    seen = outage["length"]
    allowed = RHYTHM if speed == 1 else RHYTHM + 0.01 * true
    print(f"speed {speed:g}: true outage {true:.2f} s, measured {seen['seconds']:.2f} s (± {seen['error']:.2f} s),")
    print(f"  off by {abs(seen['seconds'] - true):.2f} s of {allowed:.2f} s allowed; {outage['why']}")
    print(f"  detection {service['detection']['seconds']:.2f} s, recovery {service['recovery']['seconds']:.2f} s after")
    print("  the clock's start")
    ratios = {
        "outage_error_s": abs(seen["seconds"] - true),
        "measured_vs_true": seen["seconds"] / true,
        "stated_error_s": seen["error"],
    }
    return finish("drill", ratios, {"outage_error_s": round(allowed, 3), "stated_error_s": RHYTHM + 0.1})


def main() -> int:
    """Runs the benchmark; its exit code."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the stack's processes end with it
    options = argparse.ArgumentParser(prog="bench drill")
    options.add_argument("--speed", type=float, default=20.0, help="lab seconds per real second (20; 1 is real)")
    speed = options.parse_args().speed
    with Stack("bench_drill", speed=speed, redis_db=7) as stack:
        django_on(stack)
        from django.db import connections

        try:
            return report(*measure(stack, speed), speed)
        finally:
            connections.close_all()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
