"""The drill prober: services of every kind side by side; a prober, a database and a clock that fail in the middle."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from failover.models import Drill, Service, Span
from failover.services import boottime, clock, concluding, probing, watching
from failover.services.asker import Asker, Question
from failover.services.probing import Prober
from inventory.models import Engine, Site
from portal.kernel.secret import Secret
from portal.runs.models import Run
from tests.fixtures_services import GOOD, ILL, says, served, silent
from tests.fixtures_stand import TOP, stand

__all__ = ["stand"]
pytestmark = pytest.mark.wire


def engine(url="https://127.0.0.1:1/ovirt-engine/api", name="olvm-engine", ca_pem=""):
    site, _ = Site.objects.get_or_create(name="PROD")
    return Engine.objects.create(site=site, name=name, url=url, username="u", password=Secret("p"), ca_pem=ca_pem)


def drilled(on, status=Run.Status.RUNNING, **more):
    """A drill whose run has the given status."""
    run = Run.objects.create(
        plan="she_failover", plan_version=1, title="Failover", digest="", target=f"she:{on.pk}",
        target_name=on.name, requested_by="anna", status=status, **{"started": timezone.now(), **more},
    )  # fmt: skip
    return Drill.objects.create(
        engine=on, run=run, plan="she_failover", title="Failover", requested_by="anna", requested_at=timezone.now()
    )


def declare(on, **services):
    for name, (kind, address, words) in services.items():
        Service.objects.create(engine=on, name=name, kind=kind, address=address, words=words, every=0.2)


def rounds(prober, seconds, every=0.2):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        prober.round()
        time.sleep(every)


def told(drill, service):
    return [(span.up, span.why) for span in drill.spans.filter(service=service)]


@pytest.fixture
def said():
    return []


@pytest.fixture
def prober(said):
    made = Prober(said.append)
    yield made
    made.end()


@pytest.mark.django_db(transaction=True)
def test_services_of_every_kind_are_asked_side_by_side(prober, said):
    with served(says(GOOD)) as good, served(says(ILL)) as ill, served(silent) as hung:
        on = engine()
        declare(
            on,
            good=("http", f"http://{good}/", "DB Up"),
            wrong=("http", f"http://{good}/", "All is well"),
            ill=("http", f"http://{ill}/", ""),
            hung=("http", f"http://{hung}/", ""),
            port=("tcp", good, ""),
            gone=("tcp", "127.0.0.1:1", ""),
            odd=("http", "not an address", ""),
        )
        drill = drilled(on)
        rounds(prober, 4.2)
        prober.end()
    assert told(drill, "engine") == [(False, "nothing listens there")]
    assert told(drill, "good") == [(True, "")]
    assert told(drill, "port") == [(True, "")]
    assert told(drill, "wrong") == [(False, "HTTP 200 without the words")]
    assert told(drill, "ill") == [(False, "HTTP 500")]
    assert told(drill, "gone") == [(False, "nothing listens there")]
    assert told(drill, "hung") == [(False, "no answer in time")]
    assert drill.spans.get(service="odd").up is None
    good_one, hung_one = drill.spans.get(service="good"), drill.spans.get(service="hung")
    assert good_one.questions >= 8
    assert good_one.widest < 2.0
    assert hung_one.questions >= 3  # one that hangs keeps the next from being asked no more than the others
    assert hung_one.widest < 2.0
    assert {span.boot for span in drill.spans.all()} == {boottime.boot()}
    assert said[0] == "Asks 8 services of 1 engines."


@pytest.mark.django_db(transaction=True)
def test_only_drills_that_are_under_way_or_just_over_are_watched():
    now = timezone.now()
    one, two, three = (engine(name=f"e{n}") for n in range(3))
    live = drilled(one)
    drilled(one, Run.Status.SUCCEEDED, ended=now - timedelta(minutes=5))
    drilled(two, Run.Status.AWAITING_APPROVAL, started=None)
    late = drilled(three, Run.Status.ROLLED_BACK, ended=now - timedelta(seconds=30))
    assert watching.watched() == {one.pk: [live.pk], three.pk: [late.pk]}


@pytest.mark.django_db(transaction=True)
def test_what_is_declared_anew_is_asked_anew_and_what_is_over_no_more(prober, said):
    with served(says(GOOD)) as good:
        on = engine()
        drill = drilled(on)
        rounds(prober, 0.4)
        declare(on, late=("tcp", good, ""))
        rounds(prober, 0.6)
        assert told(drill, "late") == [(True, "")]
        Run.objects.update(status=Run.Status.SUCCEEDED, ended=timezone.now() - timedelta(minutes=3))
        rounds(prober, 0.4)
        asked = Span.objects.get(service="late").questions
        rounds(prober, 0.5)
        assert Span.objects.get(service="late").questions == asked
    assert said == ["Asks 1 services of 1 engines.", "Asks 2 services of 1 engines.", "No drill is under way."]


@pytest.mark.django_db(transaction=True)
def test_a_service_named_like_the_engine_does_not_take_its_place():
    on = engine()
    declare(on, engine=("tcp", "127.0.0.1:1", ""))
    (question,) = watching.questions([on.pk])
    assert question.address == "https://127.0.0.1:1/ovirt-engine/services/health"


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_loses_nothing(prober, said, monkeypatch):
    with served(says(GOOD)) as good:
        on = engine()
        declare(on, good=("tcp", good, ""))
        drill = drilled(on)
        rounds(prober, 0.5)

        def away():
            raise OperationalError("the connection is lost")

        with monkeypatch.context() as patched:
            patched.setattr(connection, "ensure_connection", away)
            rounds(prober, 1.5)
        assert any("The database does not take what was seen" in words for words in said)
        rounds(prober, 0.5)
        (span,) = drill.spans.filter(service="good")
    assert span.widest < 1.4  # it was away for 1.5 s
    assert span.questions >= 5


@pytest.mark.django_db(transaction=True)
def test_what_is_too_much_to_keep_is_dropped_oldest_first_and_said(prober, said, monkeypatch):
    monkeypatch.setattr(probing, "MOST", 3)
    on = engine()
    drill = drilled(on)
    prober.round()
    (question,) = watching.questions([on.pk])
    tick = probing.boottime.now()
    stretches = [
        probing.Stretch(bool(n % 2), "", moment, moment)
        for n in range(5)
        if (moment := type("T", (), {"mono": tick.mono + n, "at": tick.at + timedelta(seconds=n)})())
    ]
    prober._keep(question, stretches)
    assert any(words.startswith("2 spans from ") and "are lost" in words for words in said)
    prober._save()
    assert sorted(drill.spans.values_list("began_mono", flat=True))[0] == tick.mono + 2


@pytest.mark.django_db(transaction=True)
def test_a_drill_that_is_deleted_takes_nothing_else_along(prober):
    one, two = engine(name="a"), engine(name="b")
    gone, kept = drilled(one), drilled(two)
    rounds(prober, 0.3)
    with transaction.atomic():
        gone.spans.all().delete()
        gone.delete()
    prober._collect()
    prober._save()
    assert kept.spans.count() == 1


def test_a_hang_is_measured_as_finely_as_a_refusal():
    """Packets are dropped, as when a VM loses its host: every question takes its 3 s, and they overlap."""
    hung = threading.Event()

    def answer(link, ended):
        if not hung.is_set():
            link.recv(4096)
            link.sendall(GOOD)
        else:
            ended.wait(8)

    with served(answer) as place:
        asker = Asker(Question(1, "x", "http", f"http://{place}/", "DB Up", every=0.2))
        time.sleep(0.7)
        hung.set()
        fell = boottime.mono()
        time.sleep(1.5)
        hung.clear()
        rose = boottime.mono()
        time.sleep(3.6)
        asker.end()
        up, down, back = asker.taken()
    assert (up.up, down.up, down.why, back.up) == (True, False, "no answer in time", True)
    low, high = down.last.mono - down.began.mono, back.began.mono - up.last.mono
    assert low - 0.05 <= rose - fell <= high + 0.05
    assert high - low < 2.0  # one after the other they would leave more than 3 s open


def test_the_wall_clock_may_jump(monkeypatch):
    """An hour ahead in the middle: the moments on the monotonic clock do not notice."""
    real = boottime.now
    with served(says(GOOD)) as good:
        asker = Asker(Question(1, "x", "tcp", good, every=0.1))
        time.sleep(0.4)
        monkeypatch.setattr(
            boottime, "now", lambda: boottime.Moment(real().boot, real().mono, real().at + timedelta(hours=1))
        )
        time.sleep(0.4)
        asker.end()
        (stretch,) = asker.taken()
    assert stretch.widest < 2.0
    assert 0.3 < stretch.last.mono - stretch.began.mono < 5.0
    assert stretch.last.at - stretch.began.at > timedelta(minutes=59)


def process(stand):
    log = (stand.folder / "prober.log").open("ab")
    started = subprocess.Popen(
        [sys.executable, "manage.py", "drill_prober"], env=stand.env, cwd=TOP, stdout=log, stderr=log
    )
    stand.processes.append(started)
    return started


def wait(true, seconds=45):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it does not come true"
        time.sleep(0.1)


@pytest.mark.matrix
@pytest.mark.timeout(240)  # it starts a PostgreSQL and two processes
def test_killed_doubled_and_without_its_database(stand):
    """One outage, through which the prober is killed, another takes over and PostgreSQL crashes: one recovery time."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    on = engine()
    declare(on, app=("tcp", f"127.0.0.1:{port}", ""))
    drill = drilled(on)
    Drill.objects.filter(pk=drill.pk).update(
        objectives=[{"key": "app", "title": "App", "kind": "rto", "service": "app", "seconds": 300}]
    )
    stand.kill_redis()  # it has nothing to do with it
    one = process(stand)
    wait(lambda: drill.spans.filter(service="app", up=True, questions__gte=3).exists())
    two = process(stand)
    assert clock.begin(drill.pk)
    listener.close()
    fell = boottime.mono()
    wait(lambda: drill.spans.filter(service="app", up=False, questions__gte=3).exists())
    log = stand.folder / "prober.log"
    wait(lambda: "Another drill prober is at work" in log.read_text())
    one.kill()
    one.wait()
    wait(lambda: drill.spans.filter(service="app", up=False).count() == 2)  # the other one goes on
    stand.stop_postgres()
    time.sleep(1.5)
    connection.close()
    back = socket.create_server(("127.0.0.1", port))
    rose = boottime.mono()
    time.sleep(1.5)
    stand.start_postgres()
    wait(lambda: drill.spans.filter(service="app", up=True, questions__gte=8).exists())
    two.send_signal(signal.SIGTERM)
    assert two.wait(8) == 0
    back.close()
    stand.start_redis()
    spans = list(drill.spans.filter(service="app"))
    assert [span.up for span in spans] == [True, False, False, True]
    assert len({(span.began_mono, span.up) for span in spans}) == 4
    Run.objects.filter(pk=drill.run_id).update(status=Run.Status.SUCCEEDED, ended=timezone.now())
    assert concluding.conclude(drill.pk)
    drill.refresh_from_db()
    (app,) = [row for row in drill.measured["services"] if row["key"] == "app"]
    assert app["state"] == "recovered"
    length = app["outages"][0]["length"]
    assert length["low"] <= rose - fell <= length["high"]
    assert length["error"] < 0.5  # though the prober and the database were away inside it
    assert drill.verdicts[0]["word"] == "met"
