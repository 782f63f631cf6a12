"""Sweeps over the lab's hosts and engine: real SSH, real HTTPS, one process, no broker."""

from __future__ import annotations

import base64
import os
import signal
import threading
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from inventory import tasks
from inventory.models import DeclaredPath, Finding, Host, Look, Transition
from inventory.services import sweep, upkeep, watch
from inventory.services.looks import ENGINE_SIDE, REACH
from inventory.services.sync_keys import accept_host_key
from portal.connectors.ssh import fingerprint
from portal.evidence.models import Record
from tests.fixtures_estate_lab import KEY, known, lab, settle  # noqa: F401

pytestmark = [pytest.mark.django_db, pytest.mark.wire]


ECDSA = "ecdsa-sha2-nistp256 " + base64.b64encode(b"\0\0\0\x13ecdsa-sha2-nistp256" + bytes(60)).decode()


@pytest.fixture
def engine(lab):  # noqa: F811
    made = known(lab)
    assert upkeep.sync_once(made.pk, storage=True).failed == {}
    yield made
    settle()


def look(patience=15.0, times=1):
    for _ in range(times):
        Look.objects.update(due_at=timezone.now() - timedelta(seconds=1))
        done = sweep.sweep(patience=patience)
    return done


@contextmanager
def fault(lab, name, target="", undo="", **more):  # noqa: F811
    lab.fault(name, target, **more)
    try:
        yield
    finally:
        if undo:
            lab.fault(undo, target)
        else:
            lab.http("DELETE", f"/faults?name={name}&target={target}")


def outcome(check, host="kvm02", probe=REACH):
    return Finding.objects.get(look__host__name=host, look__probe=probe, check_name=check)


def test_one_sweep_reads_every_probe_of_every_host_and_engine(engine):
    done = look()
    asked = Look.objects.exclude(probe=ENGINE_SIDE)  # that one is made from the tables
    due = asked.exclude(probe=REACH).count()
    assert done.claimed == due
    assert done.recorded > due, "every due look, and the visits themselves"
    unread = asked.exclude(state=Look.State.READ).values_list("host__name", "probe", "sentence")
    assert list(unread) == []
    assert outcome("answers").outcome == "ok"
    assert Host.objects.filter(he_host_id__isnull=False).count() == 2, "learned from hosted-engine.conf"
    assert Transition.objects.exclude(capture=None).exists()
    again = look()
    assert again.transitions < done.transitions


def test_declared_paths_come_from_a_healthy_look_and_are_on_record(engine):
    look()
    host = Host.objects.get(name="kvm01")
    person = User.objects.create_user("oli")
    assert upkeep.declare_paths(host, person) == 32
    assert DeclaredPath.objects.filter(host=host, declared_by=person).count() == 32
    assert Record.objects.get(kind="paths.declared").actor == "oli"
    look()
    assert outcome("declared", "kvm01", "multipath").outcome == "ok"


def test_nothing_is_declared_without_a_readable_look(engine):
    with pytest.raises(ValueError, match="kvm01 has no readable multipath look"):
        upkeep.declare_paths(Host.objects.get(name="kvm01"), User.objects.create_user("oli"))


def test_a_silent_host_fails_to_answer_and_the_rest_of_it_is_not_known(engine, lab):  # noqa: F811
    look()
    with fault(lab, "hang-ssh", "kvm02"):
        look()
        assert outcome("answers").outcome == "fail"
        assert outcome("maintenance_flags", probe="ha_state").outcome == "unknown"
        assert "kvm02" in outcome("maintenance_flags", probe="ha_state").sentence
        assert outcome("disk", probe="host_facts").outcome == "unknown", "the slower probes know no more than the quick"
        assert outcome("answers", "kvm01").outcome == "ok"
    Look.objects.filter(probe="ha_state").update(due_at=timezone.now() - timedelta(seconds=1))
    sweep.sweep(patience=15)
    assert outcome("answers").outcome == "ok"
    sweep.sweep(patience=15)
    assert outcome("disk", probe="host_facts").outcome == "ok", "asked at once, not when it is due"


@pytest.mark.parametrize("kind", ["truncate", "binary", "huge", "html", "empty"])
def test_spoilt_output_is_unknown_and_costs_only_its_own_probe(engine, lab, kind):  # noqa: F811
    look()
    with fault(lab, "corrupt-output", "kvm02", command="hosted-engine", kind=kind):
        look()
        spoilt = Look.objects.get(host__name="kvm02", probe="she_status")
        assert spoilt.state == Look.State.UNREADABLE, spoilt.sentence
        assert spoilt.sentence.startswith("kvm02: ")
        assert set(spoilt.findings.values_list("outcome", flat=True)) == {"unknown"}
        assert Look.objects.get(host__name="kvm02", probe="ha_state").state == Look.State.READ


def test_coloured_output_is_read(engine, lab):  # noqa: F811
    with fault(lab, "corrupt-output", "kvm02", command="hosted-engine", kind="ansi"):
        look()
        assert Look.objects.get(host__name="kvm02", probe="she_status").state == Look.State.READ


def test_an_engine_that_hangs_is_named_and_hosts_are_still_seen(engine, lab):  # noqa: F811
    look()
    with fault(lab, "engine-hang"):
        look(patience=25)
        health = Finding.objects.get(look__probe="engine_health", check_name="api")
        assert health.outcome in ("fail", "unknown")
        assert "olvm-engine" in health.sentence
        assert outcome("answers").outcome == "ok"


def test_an_html_500_for_one_collection_changes_nothing_of_it(engine, lab, caplog):  # noqa: F811
    before = set(engine.vms.values_list("uuid", "gone_since"))
    with fault(lab, "engine-html-500", collection="vms"):
        report = upkeep.sync_once(engine.pk, storage=False)
        assert list(report.failed) == ["vms"]
        upkeep.sync_told(engine.pk, storage=False)
        assert "sync of engine" in caplog.text
        assert "olvm-engine" in report.failed["vms"] or "127.0.0.1" in report.failed["vms"]
    assert set(engine.vms.values_list("uuid", "gone_since")) == before


def test_looks_follow_the_hosts(engine):
    assert watch.ensure(engine) == 0
    host = Host.objects.get(name="kvm02")
    host.watched = False
    host.save()
    assert watch.ensure(engine) > 0
    assert not Look.objects.filter(host=host).exists()


def test_the_tasks_do_the_same_work(engine):
    Look.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    tasks.look()
    assert Look.objects.filter(state=Look.State.READ).exists()
    Look.objects.update(at=timezone.now() - timedelta(hours=1))
    tasks.expire_looks()
    assert not Finding.objects.exclude(outcome="unknown").exists()
    tasks.prove()
    assert Look.objects.get(probe=ENGINE_SIDE).state == Look.State.READ
    tasks.prune_history()
    assert Look.objects.exists(), "nothing is old enough to go"


def test_two_syncs_of_one_engine_do_not_run_at_once(engine):
    about = connection.get_connection_params()
    with psycopg.connect(**{key: about[key] for key in ("dbname", "user", "host") if key in about}) as other:
        other.execute("select pg_advisory_lock(%s, %s)", [upkeep.SYNC_LOCK, engine.pk])
        assert upkeep.sync_once(engine.pk, storage=False) is None
        assert upkeep.watch_once(engine.pk) is None
        other.execute("select pg_advisory_unlock_all()")
    assert upkeep.watch_once(engine.pk) is not None


def test_a_host_that_the_engine_knows_only_by_fingerprint_is_pinned_by_it(engine):
    known = Host.objects.get(name="kvm02").pinned_key
    Host.objects.filter(name="kvm02").update(pinned_key="", ssh_fingerprint=fingerprint(known))
    look(times=2)
    host = Host.objects.get(name="kvm02")
    assert (host.pinned_key, host.offered_key) == (known, "")
    assert outcome("answers").outcome == "ok"


@pytest.mark.parametrize("pin", ["", "ecdsa-sha2-nistp256"])
def test_a_host_without_a_usable_pin_offers_its_key_to_a_person(engine, pin):
    known = Host.objects.get(name="kvm02").pinned_key
    Host.objects.filter(name="kvm02").update(pinned_key=pin and ECDSA, ssh_fingerprint="")
    look(times=2)
    assert outcome("trust").outcome == "fail"
    host = Host.objects.get(name="kvm02")
    assert (host.pinned_key, host.offered_key) == (pin and ECDSA, known)
    assert Record.objects.filter(kind="hostkey.refused", subject="host:kvm02").count() == 1
    accept_host_key(host, "adam")
    look()
    assert outcome("answers").outcome == "ok"


def test_an_unpinned_host_that_is_not_there_offers_nothing(engine):
    Host.objects.filter(name="kvm02").update(pinned_key="", ssh_port=1)
    look()
    assert Host.objects.get(name="kvm02").offered_key == ""
    assert outcome("trust").outcome == "fail"


@pytest.mark.django_db(transaction=True)
def test_the_prober_looks_at_engines_until_it_is_ended(engine):
    Look.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    timer = threading.Timer(4.0, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    try:
        call_command("prober")
    finally:
        timer.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)
    looked = set(Look.objects.filter(state=Look.State.READ).values_list("probe", flat=True))
    assert looked == {"engine_health"}


def test_a_changed_host_key_is_refused_kept_for_a_person_and_recorded_once(engine, lab):  # noqa: F811
    """Last, since the lab's host keeps its new key."""
    look()
    lab.fault("change-host-key", "kvm02")
    lab.fault("drop-links", "kvm02")
    look(times=2)
    assert outcome("answers").outcome == "unknown"
    assert outcome("trust").outcome == "fail"
    host = Host.objects.get(name="kvm02")
    assert host.offered_key.startswith("ssh-ed25519 ")
    assert host.offered_key != host.pinned_key
    assert Record.objects.filter(kind="hostkey.refused", subject="host:kvm02").count() == 1
    accept_host_key(host, "adam")
    look()
    assert outcome("answers").outcome == "ok"
    assert not Finding.objects.filter(check_name="trust").exists()
