"""The gate's decision with 10,000 changes and a year of history, beside a bare DRF endpoint in the same run.

The history: 10,000 changes of one change system, each with a Run that ended, seven steps, three notes and twelve
records of evidence, spread over a year; and the drills, backups, rehearsals, faults and downtimes of bench/history.py.
The change system is a fake at the kernel's port that answers at once: what is measured is the portal. Asked in turn, so
that all meet the same machine: a view of DRF that answers {} to a token's owner; the decision that stands before every
act (read back, kept, decided, with the Run's plan and what past Runs of it took); a change, a list of changes and the
feed of events over the API."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.pages import database

CHANGES = 10_000
ROUNDS = 200
WARM = 20


SYSTEM = """
insert into changes_changesystem (name, kind, url, account, secret, ca_pem, pin_pem, options, signing_key, former_key,
  sites, required, closes, enabled, version, error)
values ('snow', 'servicenow', 'https://127.0.0.1', 'bench', '', '', '', '{}', '', '', '[]', 'nothing', true, true,
  1, '')
"""
CHANGE = """
insert into changes_change (system_id, number, sys_id, short, asked_by, asked_at, mark, gate, sentence, state, kind,
  begins, ends, ci, url, sequence, seen_at, tried_at, error, clashes, notes_made)
select (select id from changes_changesystem), 'CHG' || lpad(n::text, 7, '0'), md5(n::text), '', 'bench', at,
  md5('m' || n), 'allowed', 'It is approved.', 'Implement', 'normal', at - interval '1 hour', at + interval '3 hours',
  '["olvm"]', '', n, at, at, '', '[]', 3
from (select n, now() - (n * interval '52 minutes') as at from generate_series(1, 10000) n) rows
"""
RUN = """
insert into runs_run (ref, plan, plan_version, title, parameters, digest, target, target_name, requested_by, change,
  change_asked, request_id, bound_id, idempotency_key, body_hash, approved_by, status, ending, sentence, held_by,
  abort_by, abort_reason, lease_owner, fence, created, queued_at, started, ended, line_count)
select gen_random_uuid(), (array['support_bundle', 'backup_take', 'she_agent_stop'])[1 + mod(c.id, 3)], 1, 'Bench',
  '{}', '', 'host:1', 'kvm1', 'bench', c.number,
  jsonb_build_object('system', 'snow', 'number', c.number, 'ci', c.ci), '', c.id, '', '', '', 'succeeded', '', 'Done.',
  '', '', '', '', 1, c.asked_at, c.asked_at, c.asked_at, c.asked_at + interval '5 minutes', 0
from changes_change c
"""
STEP = """
insert into runs_runstep (run_id, position, name, title, mutating, place, place_name, state, phase, attempt, began,
  ended, intended_at, sentence, act, undo, undo_attempt, no_undo, ignored_by, ignored_why, out_offset, err_offset)
select r.id, n, 's' || n, 'Step', mod(n, 2) = 0, '', '', 'done', 'settled', 1, r.started, r.ended, r.started, '', '[]',
  '[]', 1, '', '', '', 0, 0
from runs_run r, generate_series(1, 7) n where r.bound_id is not null
"""
NOTE = """
insert into changes_changenote (change_id, sequence, key, mark, kind, about, text, name, media_type, content, sha256,
  code, state, attempts, error, queued_at, next_at, ended_at)
select c.id, n, 'k' || c.id || ':' || n, md5(c.id || ':' || n), 'note', 'run:1', 'A note.', '', '', '', '', '',
  'delivered', 1, '', c.asked_at, c.asked_at, c.asked_at
from changes_change c, generate_series(1, 3) n
"""
# what the chain's triggers would check, record by record, is not measured here
RECORD = """
set session_replication_role = replica;
insert into evidence_record (number, at, kind, actor, subject, body, body_sha256, previous, sha256)
select row_number() over (order by r.created, n), r.created + n * interval '10 seconds', kind, 'bench', 'run:' || r.id,
  jsonb_build_object('change', r.change, 'sentence', 'What happened.', 'status', 'succeeded'), md5(r.id || kind),
  md5(r.id || ':' || n), md5(r.id || '-' || n)
from runs_run r, unnest(
  array['change.asked', 'change.seen', 'run.started'] || array_fill('run.step_done'::text, array[7])
  || array['run.ended', 'access.denied']) with ordinality kinds(kind, n) where r.bound_id is not null;
set session_replication_role = origin
"""


def grow() -> int:
    """Fills the database; gives the key of a change whose window is open now."""
    from django.db import connection

    from bench.history import Year

    Year(datetime.now(UTC)).fill()
    with connection.cursor() as cursor:
        for statement in (SYSTEM, CHANGE, RUN, STEP, NOTE, RECORD):
            cursor.execute(statement)
        cursor.execute("select min(id) from changes_change where now() between begins and ends")
        return int(cursor.fetchone()[0])


class AtOnce:
    """A change system that answers without a moment's thought."""

    def read(self, key: Any) -> Any:
        from portal.kernel.change import ChangeSeen, Gate

        now = datetime.now(UTC)
        hour = timedelta(hours=1)
        return ChangeSeen(
            key, "Implement", Gate.ALLOWED, "It is approved.", "normal", now - hour, now + 9 * hour, ("olvm",)
        )


def connect(*given: Any, **more: Any) -> AtOnce:
    """What HOLDFAST_CHANGE_CONNECT names here."""
    return AtOnce()


def bare() -> Any:
    """A view of DRF with the portal's admission and nothing behind it."""
    from rest_framework.response import Response
    from rest_framework.views import APIView

    from portal.access.rest import Needs

    class Bare(APIView):
        permission_classes = (Needs("run.view"),)

        def get(self, request: Any) -> Response:
            return Response({})

    return Bare.as_view()


def measured(asks: dict[str, Callable[[], Any]]) -> dict[str, list[float]]:
    """Milliseconds of each, asked in turn."""
    took: dict[str, list[float]] = {name: [] for name in asks}
    for turn in range(WARM + ROUNDS):
        for name, ask in asks.items():
            began = time.perf_counter()
            ask()
            if turn >= WARM:
                took[name].append((time.perf_counter() - began) * 1000)
    return {name: sorted(found) for name, found in took.items()}


def p95(found: list[float]) -> float:
    """Of sorted values."""
    return found[int(len(found) * 0.95) - 1]


def prepared(change: int) -> dict[str, Callable[[], Any]]:
    """What is asked, by name."""
    from django.contrib.auth.models import User
    from django.urls import path
    from rest_framework.test import APIClient

    import portal.urls
    from failover.services import change_gate
    from portal.access.roles import ROLES
    from portal.access.services import create_token, give_role
    from portal.changes.models import Change
    from portal.runs.models import Run

    portal.urls.urlpatterns.insert(0, path("bare/", bare()))
    person = User.objects.create(username="bench")
    give_role(person, "operator", "bench")
    _, secret = create_token(person, "bench", sorted(ROLES["operator"].acts), 1, "bench")
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {secret.reveal()}")
    run = Run.objects.get(bound=change)
    run.steps.filter(position=2).update(state="running")
    row = Change.objects.get(pk=change)

    def decide() -> None:
        Change.objects.filter(pk=row.pk).update(tried_at=None)  # so that it is read back each time
        assert change_gate.gate(run) == ""

    def get(url: str) -> Callable[[], Any]:
        def ask() -> None:
            answer = api.get(url)
            assert answer.status_code == 200, (url, answer.status_code, answer.content[:200])

        return ask

    return {
        "bare": get("/bare/"),
        "decision": decide,
        "change": get(f"/api/v1/changes/{change}/"),
        "list": get("/api/v1/changes/?limit=20"),
        "events": get(f"/api/v1/events/?after={11 * CHANGES}&limit=20"),
    }


def main() -> int:
    """Measures, prints a table and the result."""
    from bench.result import finish

    with database(f"holdfast_bench_api_{os.getpid()}"):
        from django.conf import settings
        from django.db import connection

        settings.ALLOWED_HOSTS = ["*"]
        settings.HOLDFAST_CHANGE_CONNECT = "bench.api.connect"
        settings.HOLDFAST_API_READS = 10_000_000
        change = grow()
        with connection.cursor() as cursor:
            cursor.execute("vacuum analyze")
        found = measured(prepared(change))
    print(
        f"milliseconds with {CHANGES} changes, {CHANGES} runs of a year, {3 * CHANGES} notes, {12 * CHANGES} records of"
        f" evidence; {ROUNDS} rounds in turn"
    )
    print(f"{'':10}{'median':>9}{'p95':>9}{'worst':>9}")
    for name, took in found.items():
        print(f"{name:10}{statistics.median(took):>9.2f}{p95(took):>9.2f}{took[-1]:>9.2f}")
    ratios = {
        "bare_p95_ms": p95(found["bare"]),
        "decision_p95_ms": p95(found["decision"]),
        "decision_to_bare": statistics.median(found["decision"]) / statistics.median(found["bare"]),
        "change_p95_ms": p95(found["change"]),
        "list_p95_ms": p95(found["list"]),
        "events_p95_ms": p95(found["events"]),
        "change_to_bare": statistics.median(found["change"]) / statistics.median(found["bare"]),
    }
    return finish("api", ratios, {"decision_to_bare": 5.0, "change_to_bare": 5.0})


if __name__ == "__main__":
    sys.exit(main())
