"""An answer that came before is not read again, writes only its time, and nothing is lost by that."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inventory.models import DeclaredPath, Engine, Finding, Host, Look, Rollup, Site, Transition
from inventory.probes import PROBES
from inventory.services import looks, record, sameness, upkeep, watch
from portal.kernel.output import Output
from portal.kernel.probe import Declared
from tests.probes.test_multipath import LUN1, LUN2, Estate

pytestmark = pytest.mark.django_db
PROBE = PROBES["multipath"]


def answers():
    return Estate(LUN1, LUN2).outputs()


@pytest.fixture
def host():
    site = Site.objects.create(name="PROD")
    engine = Engine.objects.create(site=site, name="engine", url="https://127.0.0.1/x", username="u", password="p")
    return Host.objects.create(engine=engine, uuid="h1", name="kvm01", address="127.0.1.1")


@pytest.fixture
def look(host):
    return Look.objects.create(engine=host.engine, host=host, probe="multipath", due_at=timezone.now())


def seen(look, at=None, outputs=None):
    """One look as a visit makes it: claimed, asked, read, recorded. Returns the result."""
    look.refresh_from_db()
    at = at or timezone.now()
    told = watch.declared_for([look.host])[look.host.pk]
    found = looks.read(PROBE, look.pk, outputs or answers(), replace(told, checked_at=at.timestamp()), known=look.mark)
    record.record([found])
    look.refresh_from_db()
    return found


def state(look):
    """All that a look left, but its time."""
    fields = {"facts", "facts_sha256", "sections", "sha256", "mark", "numbers", "brief", "state", "sentence"}
    said = list(
        look.findings.order_by("pk").values_list("pk", "check_name", "subject_key", "outcome", "sentence", "since")
    )
    return {name: getattr(look, name) for name in fields}, said


def test_the_second_look_brings_only_its_time(look):
    first = seen(look)
    assert first.unread is None
    before, at = state(look), look.at
    with CaptureQueriesContext(connection) as queries:
        second = seen(look)
    assert second.unread is not None
    assert state(look) == before
    assert look.at > at
    assert look.answered_at == look.at
    written = [one["sql"] for one in queries if one["sql"].lstrip().lower().startswith(("insert", "update", "delete"))]
    assert [sql.split()[1 if "update" in sql[:8] else 2] for sql in written] == ["inventory_look", "inventory_rollup"]


def test_its_numbers_are_counted_with_every_look(look):
    first = seen(look)
    now = timezone.now()
    for _ in range(2):
        seen(look, now)
    assert dict(first.numbers)
    rows = Rollup.objects.filter(look=look)
    assert set(rows.values_list("series", flat=True)) == set(first.numbers)
    for series, value in first.numbers.items():
        mine = rows.filter(series=series)
        assert sum(row.count for row in mine) == 3
        assert {(row.low, row.high, row.last) for row in mine} == {(value, value, value)}


def test_read_after_all_it_says_what_it_said(look):
    first = seen(look)
    again = seen(look).unread()
    assert (again.facts, again.findings, again.sections, again.mark) == (
        first.facts,
        first.findings,
        first.sections,
        first.mark,
    )


def test_what_is_declared_meanwhile_is_judged_at_the_next_look(look):
    seen(look)
    assert Finding.objects.get(look=look, check_name="declared").outcome == "warn"
    row = DeclaredPath.objects.create(
        host=look.host, wwid="3" + "a" * 32, hba_wwpn="1" * 16, target_wwpn="2" * 16, declared_at=timezone.now()
    )
    assert seen(look).unread is None
    assert Finding.objects.get(look=look, subject_key="3" + "a" * 32).outcome == "fail"
    row.target_wwpn, row.declared_at = "3" * 16, timezone.now()
    row.save()
    assert seen(look).unread is None, "another declaration is another judgement"
    assert seen(look).unread is not None
    row.delete()
    assert seen(look).unread is None
    assert Finding.objects.get(look=look, check_name="declared").outcome == "warn"


def test_another_name_of_the_host_is_in_the_next_sentences(look):
    seen(look)
    Host.objects.filter(pk=look.host.pk).update(name="kvm77")
    look = Look.objects.select_related("host").get(pk=look.pk)
    seen(look)
    assert "kvm77" in Finding.objects.get(look=look, check_name="declared").sentence


def test_findings_that_grew_too_old_come_back_with_the_same_answer(look):
    seen(look, timezone.now() - timedelta(minutes=10))
    known = {one.pk: one.outcome for one in look.findings.all()}
    assert record.expire(timezone.now())
    assert set(look.findings.values_list("outcome", flat=True)) == {"unknown"}
    found = seen(look)
    assert found.unread is None
    assert {one.pk: one.outcome for one in look.findings.all()} == known


def test_a_time_without_looks_is_told_although_the_answer_is_the_same(look):
    seen(look, timezone.now() - timedelta(minutes=10))
    count = Transition.objects.count()
    found = seen(look)
    assert found.unread is not None, "the visit did not know better"
    assert Transition.objects.count() > count, "that nobody looked stands in the history"
    assert "unknown" not in set(look.findings.values_list("outcome", flat=True))


def test_an_answer_of_another_release_is_read_again(look, monkeypatch):
    seen(look)
    monkeypatch.setattr(sameness, "release", lambda: b"another release")
    assert seen(look).unread is None


def test_a_silent_host_and_an_unreadable_answer_leave_no_mark(look):
    seen(look)
    record.record([looks.Result(look.pk, Look.State.UNANSWERED, timezone.now(), 5, "kvm01 is silent.")])
    look.refresh_from_db()
    assert (look.mark, look.numbers) == ("", None)
    assert seen(look).unread is None
    broken = {**answers(), "maps": Output(b"{", b"", 0), "kernel": Output(b"", b"", 1)}
    assert seen(look, outputs=broken).state == Look.State.UNREADABLE
    assert look.mark == ""
    assert seen(look).unread is None


def test_somebody_else_recorded_meanwhile(look):
    """Two workers: what one held to be the same is read when the row says otherwise by now."""
    first = seen(look)
    late = looks.read(PROBE, look.pk, answers(), told(look), known=first.mark)
    assert late.unread is not None
    other = {**answers(), "fc_hosts": Output(b"", b"", 1)}
    assert seen(look, outputs=other).unread is None
    record.record([replace(late, at=timezone.now())])
    look.refresh_from_db()
    assert look.mark == first.mark
    assert look.facts == first.facts


def told(look):
    return replace(watch.declared_for([look.host])[look.host.pk], checked_at=timezone.now().timestamp())


@pytest.mark.parametrize(
    "changed",
    [
        {"maps": Output(b"{}", b"", 0)},
        {"kernel": Output(b"", b"x", 0)},
        {"kernel": Output(b"", b"", 1)},
        {"paths": Output(b"", b"", 0)},
    ],
    ids=str,
)
def test_any_other_byte_and_any_other_code_is_another_mark(look, changed):
    bare = {name: Output(b"", b"", 0) for name in PROBE.commands} | {"maps": Output(b"{}\n", b"", 0)}
    whole = {**bare, "paths": Output(b"a", b"", 0)}
    assert sameness.mark(PROBE, whole, told(look)) != sameness.mark(PROBE, {**whole, **changed}, told(look))


def test_bytes_that_move_from_one_stream_to_the_other_are_another_answer(look):
    one = {name: Output(b"", b"", 0) for name in PROBE.commands}
    marks = {
        sameness.mark(PROBE, {**one, "maps": Output(b"ab", b"", 0)}, told(look)),
        sameness.mark(PROBE, {**one, "maps": Output(b"a", b"b", 0)}, told(look)),
        sameness.mark(PROBE, {**one, "maps": Output(b"a", b"", 0), "paths": Output(b"b", b"", 0)}, told(look)),
    }
    assert len(marks) == 3


def test_how_long_it_took_is_no_part_of_an_answer(look):
    slow = {name: replace(one, took=9.0) for name, one in answers().items()}
    assert sameness.mark(PROBE, slow, told(look)) == sameness.mark(PROBE, answers(), told(look))


def test_an_answer_that_is_not_whole_and_a_probe_of_the_time_have_none(look):
    cut = {**answers(), "kernel": Output(b"", b"", None, truncated=True)}
    assert sameness.mark(PROBE, cut, told(look)) == ""
    assert sameness.mark(PROBE, answers(), Declared("kvm01")) == "", "nobody worked out what is declared"
    assert sameness.mark(PROBES["host_facts"], answers(), told(look)) == ""


def test_an_uneasy_look_is_soon_due_again_although_it_was_not_read(look):
    seen(look)
    Look.objects.filter(pk=look.pk).update(due_at=timezone.now() + timedelta(hours=1))
    found = seen(look)
    assert found.unread is not None
    upkeep.learn([found])
    look.refresh_from_db()
    assert look.due_at <= timezone.now() + upkeep.SOON
