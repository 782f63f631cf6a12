"""Engines that hang keep their own threads: the looks worker, which has three, goes on looking at hosts."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from django.db import connections

from inventory import tasks
from inventory.models import Engine, EngineEvent, Host, Look, Site
from inventory.services import sweep, watch
from inventory.services.engine_threads import Engines, engines
from portal.connectors.engine import close_shared
from tests.fixtures_engine import PASSWORD

WORKER_THREADS = 3  # deploy/Procfile


def until(true, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def hang():
    event = threading.Event()
    yield event
    event.set()


def test_work_of_one_engine_stands_in_line_and_each_kind_once(hang):
    line, done = Engines(), []
    assert line.start(1, "watch", lambda: hang.wait(20))
    assert line.start(1, "sync", lambda: done.append("sync"))
    assert not line.start(1, "watch", lambda: done.append("never"))
    assert not line.start(1, "sync", lambda: done.append("never"))
    assert line.start(2, "watch", lambda: done.append("other"))
    until(lambda: done == ["other"])
    until(lambda: line.busy() == {1: ["watch", "sync"]})
    hang.set()
    until(lambda: line.busy() == {})
    assert done == ["other", "sync"]
    assert line.start(1, "watch", lambda: done.append("again"))
    until(lambda: done[-1] == "again")


def test_work_that_breaks_is_logged_and_ends_no_line(caplog):
    line, done = Engines(), []
    line.start(1, "sync", lambda: 1 / 0)
    line.start(1, "watch", lambda: done.append("watch"))
    until(lambda: line.busy() == {})
    assert done == ["watch"]
    assert "sync of engine 1 broke" in caplog.text


@pytest.fixture
def estate(scripted):
    """Three engines at one address; the first has a host whose sshd refuses."""
    site = Site.objects.create(name="Main")
    for name in ("one", "two", "three"):
        Engine.objects.create(
            site=site, name=name, url=scripted.url, username=f"{name}@internal", password=PASSWORD,
            ca_pem=scripted.ca_pem,
        )  # fmt: skip
    first = Engine.objects.get(name="one")
    Host.objects.create(engine=first, uuid="h1", name="kvm01", address="127.0.0.1", ssh_port=1, status="up")
    watch.ensure(first)
    yield scripted
    until(lambda: not engines().busy(), 30)
    until(looked, 30)
    close_shared()


def looked():
    sweep.sweep(patience=0.2)
    return sweep.eyes().idle()


def in_worker(task):
    try:
        task()
    finally:
        connections.close_all()


@pytest.mark.wire
@pytest.mark.django_db(transaction=True)
def test_three_hung_engines_hold_up_no_look_at_a_host(estate, hang):
    estate.sso = hang
    beat = (tasks.watch_engines, tasks.sync_engines, partial(tasks.sync_engines, storage=True))
    with ThreadPoolExecutor(WORKER_THREADS) as worker:
        for task in (*beat, *beat, tasks.look):
            worker.submit(in_worker, task)
        until(lambda: Look.objects.filter(host__name="kvm01", state=Look.State.UNANSWERED).exists(), 6)
        assert len(engines().busy()) == 3
        assert all(len(kinds) == 3 for kinds in engines().busy().values())
        assert not hang.is_set()
        hang.set()


@pytest.mark.wire
@pytest.mark.django_db(transaction=True)
def test_the_tasks_sync_and_watch_every_watched_engine(estate):
    Engine.objects.filter(name="three").update(watched=False)
    tasks.sync_engines(storage=True)
    tasks.watch_engines()
    until(lambda: not engines().busy(), 20)
    assert set(EngineEvent.objects.values_list("engine__name", flat=True).distinct()) == {"one", "two"}
    assert Look.objects.filter(engine__name="two", probe="engine_health").exists()
