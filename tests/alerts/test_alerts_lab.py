"""From a fault of the lab to one message on every channel, over real SSH, SMTP, HTTP and syslog."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from inventory.models import Finding, Host, Look
from inventory.services import alarms, sweep, upkeep
from inventory.services.sync_keys import accept_host_key
from lab.smtp import Catcher
from lab.syslog import Collector
from lab.webhook import Listener
from portal.alerts.models import Alert, Receiver, Route
from portal.alerts.services.tick import tick
from portal.connectors.change.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, verify
from portal.kernel.secret import Secret
from portal.outbox import services as outbox
from tests.fixtures_estate_lab import known, lab, settle  # noqa: F401

pytestmark = [pytest.mark.django_db, pytest.mark.wire]
KEY = Secret("a key of 16 letters")


@pytest.fixture
def sinks(settings):
    mail, hook, log = Catcher().start(), Listener().start(), Collector().start()
    settings.HOLDFAST_MAIL_URL = f"smtp://127.0.0.1:{mail.port}?from=holdfast@bank.example"
    yield mail, hook, log
    for each in (mail, hook, log):
        each.stop()


def look():
    """Host kvm02 is visited and whatever it says is recorded."""
    Look.objects.filter(host__name="kvm02", probe="ha_state").update(due_at=timezone.now() - timedelta(seconds=1))
    sweep.sweep(patience=30, probes=("ha_state",))
    settle()


def until(true):
    for _ in range(20):
        look()
        if true():
            return
    raise AssertionError("the looks never said so")


def round_of_alerts():
    """What beat does, once; gives how many messages went out."""
    now = timezone.now()
    tick(now)
    return outbox.send_due(now) + outbox.deliver_due(now)


def trust():
    return Finding.objects.filter(look__host__name="kvm02", check_name="trust", outcome="fail").exists()


def test_a_refused_host_key_is_told_once_on_every_channel_and_so_is_its_end(lab, sinks, monkeypatch, settings):  # noqa: F811
    mail, hook, log = sinks
    monkeypatch.setattr(alarms, "HOLD", 0.0)
    monkeypatch.setattr(alarms, "CALM", 0.0)
    settings.HOLDFAST_ALARMS = ["inventory.services.alarms.alarms"]
    engine = known(lab)
    assert upkeep.sync_once(engine.pk, storage=False).failed == {}
    Look.objects.exclude(host__name="kvm02").update(due_at=timezone.now() + timedelta(days=1))
    receivers = [
        Receiver.objects.create(name="Operators", channel="mail", address="ops@bank.example"),
        Receiver.objects.create(name="Bus", channel="webhook", url=Secret(hook.url), key=KEY),
        Receiver.objects.create(name="SIEM", channel="syslog", address=log.address, transport="tcp"),
    ]
    route = Route.objects.create(name="kvm02", subject="kvm02", kinds=["host"], concerns=["control"], sites=["PROD"])
    route.receivers.set(receivers)
    look()
    assert round_of_alerts() == 0
    lab.fault("change-host-key", "kvm02")
    lab.fault("drop-links", "kvm02")
    until(trust)
    assert [round_of_alerts() for _ in range(4)] == [3, 0, 0, 0]
    row = Alert.objects.get(subject="kvm02", concern="control")
    host = Host.objects.get(name="kvm02")
    assert (row.key, row.link) == (f"finding:{engine.pk}:host:kvm02:trust", f"/hosts/{host.pk}/key/")
    assert [one["Subject"] for one in mail.messages] == [f"[critical] {row.sentence}"[:200].strip()]
    (told,) = hook.heard
    assert told.document["alerts"][0]["subject"] == {"kind": "host", "name": "kvm02"}
    stamp, mark = (told.headers[name.lower()] for name in (TIMESTAMP_HEADER, SIGNATURE_HEADER))
    verify([KEY], stamp, mark, told.body, timezone.now().timestamp())
    (line,) = log.lines
    assert (line.kind, 'subject="kvm02"' in line.data) == ("alert-opened", True)
    accept_host_key(host, "adam")
    until(lambda: not trust())
    assert [round_of_alerts() for _ in range(3)] == [3, 0, 0]
    row.refresh_from_db()
    assert row.resolved_at is not None
    assert [one["Subject"].split(":")[0] for one in mail.messages] == [
        f"[critical] {row.sentence}".split(":")[0],
        "[critical] Resolved",
    ]
    assert [one.document["event"] for one in hook.heard] == ["alert.opened", "alert.resolved"]
    assert [one.kind for one in log.lines] == ["alert-opened", "alert-resolved"]
