"""A worker is killed for good between open and send: nothing is lost, and nothing is told twice under two names."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from lab.webhook import Listener
from portal.alerts.models import Alert, Receiver, Route
from portal.alerts.services import pages
from portal.alerts.services.tick import tick
from portal.kernel.secret import Secret
from portal.outbox import services as outbox
from portal.outbox.models import Mail

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.wire]
TOP = Path(__file__).resolve().parents[2]


def test_killed_between_open_and_send(said):
    hook = Listener().start()
    try:
        bus = Receiver.objects.create(
            name="Bus", channel="webhook", url=Secret(hook.url), key=Secret("a key of 16 letters")
        )
        Route.objects.create(name="everything").receivers.set([bus])
        given = connection.get_connection_params()
        url = f"postgresql:///{given['dbname']}?host={given['host']}&user={given['user']}"
        env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
        done = subprocess.run(
            [sys.executable, "-m", "tests.alerts.dying_workers"], cwd=TOP, env={**env, "HOLDFAST_DATABASE_URL": url},
            capture_output=True, text=True, timeout=100, check=False,
        )  # fmt: skip
        assert done.stdout.split("\n")[:4] == ["routes", "flush", "queue", "end"], done.stderr
        said.say(timezone.now(), since=Alert.objects.get().since)
        assert len(hook.heard) == 1, "sent, and nobody noted it"
        later = timezone.now() + outbox.TAKEN + timedelta(seconds=1)
        tick(later)
        assert outbox.deliver_due(later) == 1
        assert outbox.deliver_due(later + outbox.TAKEN) == 0
        first, second = hook.heard
        assert first.headers["x-holdfast-id"] == second.headers["x-holdfast-id"], "the other side tells them apart"
        assert first.document["alerts"] == second.document["alerts"]
        assert [(row.state, row.attempts) for row in Mail.objects.all()] == [("sent", 2)]
        assert [event.kind for event in pages.history(Alert.objects.get())] == ["opened", "told"]
    finally:
        hook.stop()
