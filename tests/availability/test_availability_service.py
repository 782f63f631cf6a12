"""From rows to availability: versions, permits, corrections, what is judged and recorded."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, InternalError, transaction
from django.utils import timezone

from failover.models import Correction, CorrectionDecision, Drill, Objective, ObjectiveVersion, ServiceSpan, Window
from failover.reports.period.span import Kind, holding
from failover.services import corrections, objectives, promised, reads, report_estate
from failover.services.answer import proven
from failover.services.availability import at_moment, over, over_all
from failover.services.objectives import Wish
from inventory.models import Engine, Finding, Host, Look, Lun, Rollup, Transition
from inventory.services.watch import ensure
from portal.access.services.people import add_person
from portal.evidence.models import Record
from portal.evidence.services import append
from portal.kernel.secret import Secret
from portal.runs.models import Run
from portal.runs.services import Refused
from tests.availability import scene
from tests.availability.scene import HOUR

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def row(now):
    """Down for ten minutes, five hours ago."""
    made = scene.service(scene.engine())
    scene.spans(made, now - 10 * HOUR, ("up", 5 * 3600), ("down", 600), ("up", 5 * 3600 - 600))
    return made


def told(row, now, hours=10):
    found = over(row, now - hours * HOUR, now, now)
    return (round(found.down_planned_s), round(found.down_unplanned_s), [one.planned for one in found.outages])


def fell(now):
    return now - 5 * HOUR


def test_what_was_seen(row, now):
    found = over(row, now - 10 * HOUR, now, now)
    assert (found.service, found.objective) == ("core-db", pytest.approx(0.9999))
    assert (round(found.up_s), round(found.spent_s), round(found.not_seen_s)) == (35_400, 600, 0)
    (one,) = found.outages
    assert (one.cause, one.planned, one.ends) == ("no answer in time", False, fell(now) + 600 * SECOND)
    before = over(row, now - 20 * HOUR, now - 10 * HOUR, now)
    assert (before.ratio, round(before.not_watched_s)) == (None, 36_000)
    other = scene.service(row.engine, "reports")
    assert [each.service for each in over_all([other, row], now - HOUR, now, now)] == ["reports", "core-db"]


def drill(row, started, ended, **more):
    run = Run.objects.create(
        plan="she_failover", plan_version=1, title="Failover", digest="", target=f"she:{row.engine_id}",
        target_name="x", requested_by="anna", status=Run.Status.SUCCEEDED, started=started, ended=ended,
        approved_at=more.pop("approved_at", started),
    )  # fmt: skip
    return Drill.objects.create(
        engine=row.engine, run=run, plan="she_failover", title="Failover", requested_by="anna", requested_at=started,
        **more,
    )  # fmt: skip


def test_downtime_inside_a_drill_is_planned_and_after_it_is_not(row, now):
    drill(row, fell(now) - 60 * SECOND, fell(now) + 400 * SECOND)
    assert told(row, now) == (400, 200, [True, False])
    found = over(row, now - 10 * HOUR, now, now)
    assert found.outages[0].cause.startswith("drill ")


def test_a_drill_that_overruns_its_window_is_planned_until_its_end_only(row, now):
    drill(row, fell(now) - 60 * SECOND, fell(now) + 600 * SECOND, window_begins=fell(now) - HOUR,
          window_ends=fell(now) + 300 * SECOND)  # fmt: skip
    assert told(row, now) == (300, 300, [True, False])


def test_a_drill_that_was_approved_late_is_planned_from_then_on(row, now):
    drill(row, fell(now) - 60 * SECOND, fell(now) + 600 * SECOND, approved_at=fell(now) + 100 * SECOND)
    assert told(row, now) == (500, 100, [False, True])
    Run.objects.update(started=None)
    assert told(row, now) == (0, 600, [False])


@pytest.fixture
def window(row, now, monkeypatch):
    """A maintenance window with its agreements: [(kind, when, deadline)]."""

    def make(agreed, ended=None, owner="anna"):
        one = Window.objects.create(
            engine=row.engine, scope="global", state="ended", reason="patches", owner=owner, asked_at=agreed[0][1],
            deadline=agreed[-1][2], ended_at=ended,
        )  # fmt: skip
        for kind, at, deadline in agreed:
            name = "deadline" if kind == "window.asked" else "to"
            monkeypatch.setattr("portal.evidence.services.chain.timezone.now", lambda at=at: at)
            append(kind, "anna", f"window:{one.pk}", {name: deadline.isoformat()})
            monkeypatch.undo()
        return one

    return make


def test_a_window_that_was_agreed_to_before_makes_downtime_planned(row, now, window):
    window([("window.asked", fell(now) - HOUR, fell(now) + HOUR)], fell(now) + 500 * SECOND)
    assert told(row, now) == (500, 100, [True, False])
    assert (
        over(row, now - 10 * HOUR, now, now).outages[0].cause.startswith("Global maintenance of olvm-engine, patches")
    )


def test_a_window_that_was_agreed_to_afterwards_makes_nothing_planned(row, now, window):
    window([("window.asked", fell(now) + 700 * SECOND, now)])
    assert told(row, now) == (0, 600, [False])


def test_what_lies_between_a_deadline_and_its_extension_is_unplanned(row, now, window):
    window(
        [
            ("window.asked", fell(now) - HOUR, fell(now) + 100 * SECOND),
            ("window.extend_asked", fell(now) + 300 * SECOND, fell(now) + 2 * HOUR),
        ]
    )
    assert told(row, now) == (400, 200, [True, False, True])


def test_a_window_set_by_hand_is_planned_from_its_adoption_on(row, now, window):
    window([("window.adopted", fell(now) + 250 * SECOND, fell(now) + 2 * HOUR)])
    assert told(row, now) == (350, 250, [False, True])


def test_windows_that_overlap_count_once_and_those_of_nobody_not_at_all(row, now, window):
    window([("window.asked", fell(now) - HOUR, fell(now) + 300 * SECOND)])
    window([("window.asked", fell(now) - HOUR, fell(now) + 400 * SECOND)])
    window([("window.asked", fell(now) - HOUR, fell(now) + HOUR)], owner="")
    Window.objects.filter(owner="").update(state="failed")
    assert told(row, now) == (400, 200, [True, False])
    other = scene.service(scene.engine("dr-engine"))
    scene.spans(other, now - 6 * HOUR, ("up", 3600), ("down", 600), ("up", 60))
    assert told(other, now) == (0, 600, [False])  # a window is its engine's


def test_an_objective_that_is_lowered_counts_from_the_next_period_on(row, now):
    objectives.change(row, Wish(Decimal("90")), "admin1", "it is hard")
    period, version = at_moment(row, now)
    assert version.number == 1
    assert at_moment(Objective.objects.get(pk=row.pk), period.ends + HOUR)[1].number == 2
    assert over(Objective.objects.get(pk=row.pk), period.begins, now, now).objective == pytest.approx(0.9999)
    with pytest.raises((IntegrityError, InternalError)), transaction.atomic():
        ObjectiveVersion.objects.filter(number=1).update(percent=Decimal("90"))


def test_a_week_of_a_month_is_judged_by_what_is_promised_of_that_month(row, now):
    """A report of one week must not take the lower promise that counts from the next month on."""
    objectives.change(row, Wish(Decimal("90")), "admin1", "it is hard")
    fresh = Objective.objects.get(pk=row.pk)
    ends = at_moment(fresh, now)[0].ends
    later = fresh.versions.get(number=2).at + SECOND
    assert over(fresh, later, later + HOUR, now).objective == pytest.approx(0.9999 if later < ends else 0.9)
    assert over(fresh, ends, ends + HOUR, now).objective == pytest.approx(0.9)


def test_a_weekly_report_is_judged_as_the_page_of_its_month(row, now, monkeypatch):
    """Lowered on the 8th: the weeks of that month keep what was promised when it began."""
    last = (now.replace(day=1) - timedelta(days=1)).replace(day=1, hour=0)
    monkeypatch.setattr("failover.services.objectives.timezone.now", lambda: last - HOUR)
    other = scene.service(row.engine, "reports", since=100 * 24 * HOUR)
    monkeypatch.setattr("failover.services.objectives.timezone.now", lambda: last + timedelta(days=7))
    objectives.change(other, Wish(Decimal("90")), "admin1", "it is hard")
    weeks = [holding(Kind.WEEKLY, "UTC", last + timedelta(days=each)) for each in (14, 45)]
    told = [{one.name: one.objective for one in report_estate.services([row.engine_id], week)} for week in weeks]
    assert [one["reports"] for one in told] == [999_900, 900_000]


def test_a_month_of_another_zone_is_judged_by_what_is_promised_of_that_month(row, now):
    """A month of Kuwait begins at 21:00 UTC of the month before; the objective goes by UTC."""
    objectives.change(row, Wish(Decimal("99.9")), "admin1", "as agreed with the bank")
    fresh = Objective.objects.get(pk=row.pk)
    ends = at_moment(fresh, now)[0].ends
    kuwait = ends - 3 * HOUR
    assert over(fresh, kuwait, kuwait + timedelta(days=30), now).objective == pytest.approx(0.999)
    assert over(fresh, kuwait, kuwait + HOUR, now).objective == pytest.approx(0.9999), "an hour of the month before"


def test_a_rhythm_that_is_slowed_makes_no_gap_of_the_past_up(row, now):
    """Nobody asked for 100 s when it was to be asked every 5 s: that stays so when it is asked every 60 s."""
    ServiceSpan.objects.all().delete()
    scene.spans(row, now - 10 * HOUR, ("up", 3600), (None, 100), ("up", 9 * 3600 - 100))
    before = over(row, now - 10 * HOUR, now, now)
    assert (round(before.not_watched_s), round(before.up_s)) == (100, 35_900)
    objectives.change(row, Wish(every=60.0), "admin1", "it need not be asked so often")
    after = over(Objective.objects.get(pk=row.pk), now - 10 * HOUR, now, now)
    assert (after.not_watched_s, after.up_s) == (before.not_watched_s, before.up_s)
    later = timezone.now() + 10 * SECOND  # under the new rhythm the same gap is none
    scene.spans(row, later, ("up", 60), (None, 100), ("up", 60))
    fresh = over(Objective.objects.get(pk=row.pk), later, later + 220 * SECOND, later + 220 * SECOND)
    assert (round(fresh.up_s), round(fresh.not_watched_s)) == (220, 0)
    assert Record.objects.get(kind="objective.changed").body["every"] == "60.0"


def test_a_change_of_the_calendar_waits_for_the_next_period_too(row, now):
    objectives.change(row, Wish(period="year", zone="Africa/Nairobi"), "admin1", "as the bank counts")
    period, version = at_moment(Objective.objects.get(pk=row.pk), now)
    assert (period.kind, version.number) == ("month", 1)
    later = at_moment(Objective.objects.get(pk=row.pk), now + timedelta(days=800))[0]
    assert (later.kind, later.zone) == ("year", "Africa/Nairobi")


def test_a_retired_objective_is_judged_until_then(row, now):
    objectives.retire(row, "admin1", "moved")
    Objective.objects.update(retired_at=now - HOUR)
    found = over(Objective.objects.get(pk=row.pk), now - 10 * HOUR, now, now)
    assert (found.until, round(found.spent_s), round(found.not_watched_s)) == (now - HOUR, 600, 0)


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (Wish(Decimal("100")), "100 % is no objective"),
        (Wish(Decimal("99.99999")), "four decimals"),
        (Wish(Decimal("NaN")), "no number"),
        (Wish(period="week"), "is no period"),
        (Wish(zone="Mars/Base"), "no time zone"),
        (Wish(every=0.2), "A service is asked every"),
        (Wish(most_ms=0), "A read is promised"),
    ],
)
def test_what_cannot_be_promised_is_refused(row, wish, words):
    with pytest.raises(Refused, match=words):
        objectives.change(row, wish, "admin1", "because")
    assert Record.objects.filter(kind="run.refused", subject=f"objective:{row.pk}").exists()


def test_objectives_are_declared_changed_and_retired_on_record(row):
    engine = row.engine
    with pytest.raises(Refused, match="has an objective already"):
        objectives.declare(engine, "service", "core-db", Wish(), "admin1")
    with pytest.raises(Refused, match="no service 'other'"):
        objectives.declare(engine, "service", "other", Wish(), "admin1")
    with pytest.raises(Refused, match="no lun '36'"):
        objectives.declare(engine, "lun", "36", Wish(), "admin1")
    managed = objectives.declare(engine, "engine", "engine", Wish(), "admin1")
    assert managed.title == "Engine management of olvm-engine"
    with pytest.raises(Refused, match="Say why"):
        objectives.change(row, Wish(Decimal("99.9")), "admin1", " ")
    second = objectives.change(row, Wish(Decimal("99.9")), "admin1", "agreed with the bank", 1)
    assert objectives.change(row, Wish(Decimal("99.9")), "admin1", "again") == second
    with pytest.raises(Refused, match="has changed it meanwhile"):
        objectives.change(row, Wish(Decimal("99.5")), "admin2", "late", 1)
    with pytest.raises(Refused, match="Say why"):
        objectives.retire(row, "admin1", "")
    assert objectives.retire(row, "admin1", "moved").retired_by == "admin1"
    with pytest.raises(Refused, match="was retired by admin1"):
        objectives.retire(row, "admin1", "again")
    with pytest.raises(Refused, match="was retired by admin1"):
        objectives.change(row, Wish(Decimal("99.5")), "admin1", "why not")
    again = objectives.declare(engine, "service", "core-db", Wish(), "admin1")
    assert (again.pk, again.retired_at, again.versions.count()) == (row.pk, None, 3)
    kinds = list(Record.objects.filter(subject=f"objective:{row.pk}").values_list("kind", flat=True))
    done = ["objective.declared", "objective.changed", "objective.retired", "objective.declared"]
    assert [kind for kind in kinds if kind != "run.refused"] == done


def wish(now, kind="up", begin=0, end=600, cause="", reason="The listener's log shows logins."):
    return corrections.Wish(kind, fell(now) + begin * SECOND, fell(now) + end * SECOND, cause, reason)


@pytest.fixture
def approver():
    add_person("bert", "approver", Secret("correct horse battery"), by="test", demo=True)
    add_person("anna", "operator", Secret("correct horse battery"), by="test", demo=True)


def test_what_makes_downtime_less_counts_when_a_second_person_has_confirmed_it(row, now, approver):
    entry = corrections.enter(row, wish(now), "anna")
    assert told(row, now) == (0, 600, [False])
    for who, words in (("anna", "another person decides"), ("olga", "nobody who may approve")):
        with pytest.raises(Refused, match=words):
            corrections.decide(entry.pk, "confirmed", who)
    corrections.decide(entry.pk, "confirmed", "bert")
    assert told(row, now) == (0, 0, [])
    with pytest.raises(Refused, match="decided already"):
        corrections.decide(entry.pk, "refused", "bert", "no")
    kinds = list(Record.objects.filter(subject=f"objective:{row.pk}").values_list("kind", flat=True))
    assert kinds.count("availability.corrected") == kinds.count("availability.correction_confirmed") == 1
    assert kinds.count("run.refused") == 3


def test_what_makes_it_more_or_names_a_cause_counts_at_once(row, now):
    corrections.enter(row, wish(now, "down", 600, 900, "users could not log in"), "anna")
    corrections.enter(row, wish(now, "cause", 0, 10, "SWB1 port 5"), "anna")
    found = over(row, now - 10 * HOUR, now, now)
    assert round(found.spent_s) == 900
    assert [(one.cause, one.corrected) for one in found.outages] == [("SWB1 port 5", True)]


def test_planned_time_is_taken_back_by_one_and_given_by_two(row, now, approver):
    drill(row, fell(now) - 60 * SECOND, fell(now) + 600 * SECOND)
    corrections.enter(row, wish(now, "unplanned", 0, 200), "anna")
    assert told(row, now) == (400, 200, [False, True])
    entry = corrections.enter(row, wish(now, "planned", 0, 100), "anna")
    assert told(row, now) == (400, 200, [False, True])
    corrections.decide(entry.pk, "confirmed", "bert")
    assert told(row, now) == (500, 100, [True, False, True])


def test_a_correction_is_refused_or_taken_back_and_then_never_counts(row, now, approver):
    one, two = (corrections.enter(row, wish(now), "anna") for _ in range(2))
    with pytest.raises(Refused, match="Only anna takes it back"):
        corrections.decide(one.pk, "withdrawn", "bert")
    corrections.decide(one.pk, "withdrawn", "anna")
    with pytest.raises(Refused, match="Say why it is refused"):
        corrections.decide(two.pk, "refused", "bert")
    with pytest.raises(Refused, match="is no decision"):
        corrections.decide(two.pk, "maybe", "bert")
    corrections.decide(two.pk, "refused", "bert", "the log says otherwise")
    assert told(row, now) == (0, 600, [False])
    three = corrections.enter(row, wish(now, "unplanned"), "anna")
    with pytest.raises(Refused, match="needs nobody's word"):
        corrections.decide(three.pk, "confirmed", "bert")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"kind": "better"}, "is no kind of correction"),
        ({"begin": 10, "end": 10}, "ends before it begins"),
        ({"end": 9 * 3600}, "lies in the future"),
        ({"begin": -500 * 86_400}, "more than a year before"),
        ({"begin": -99 * 86_400, "end": -98 * 86_400}, "Nothing was promised of core-db before"),
        ({"reason": "so"}, "how you know it"),
        ({"kind": "cause"}, "Name the cause"),
        ({"reason": "x" * 501}, "501 characters"),
        ({"kind": "cause", "cause": "x" * 201}, "201 characters"),
    ],
)
def test_a_correction_that_cannot_be_is_refused_on_record(row, now, given, words):
    with pytest.raises(Refused, match=words):
        corrections.enter(row, wish(now, **given), "anna")
    assert Record.objects.filter(kind="run.refused").count() == 1
    assert not Correction.objects.exists()


def test_a_key_makes_one_entry(row, now):
    first = corrections.enter(row, wish(now), "anna", "k1")
    assert corrections.enter(row, wish(now), "anna", "k1") == first
    with pytest.raises(Refused, match="with other content") as refused:
        corrections.enter(row, wish(now, end=500), "anna", "k1")
    assert refused.value.kind == "idempotency"
    with pytest.raises(Refused, match="201 characters"):
        corrections.enter(row, wish(now), "anna", "k" * 201)
    assert Correction.objects.count() == 1


def test_nobody_changes_an_entry_not_even_by_a_shell(row, now, approver):
    entry = corrections.enter(row, wish(now), "anna")
    for act in (
        lambda: Correction.objects.update(reason="other"),
        lambda: Correction.objects.filter(pk=entry.pk)._raw_delete("default"),
        lambda: CorrectionDecision.objects.create(
            correction=entry, word="confirmed", asked_by="anna", by="anna", at=now
        ),
    ):
        with pytest.raises((IntegrityError, InternalError)), transaction.atomic():
            act()


@pytest.fixture
def judged(row, settings):
    settings.TIME_ZONE = "UTC"

    def act():
        Look.objects.update(due_at=timezone.now())
        promised.tick()
        rows = Finding.objects.filter(look__probe="availability")
        return {(one.subject_key, one.check_name): one.outcome for one in rows}

    return act


def test_what_is_judged_is_recorded_as_findings_with_their_history(row, now, judged):
    found = judged()
    assert found["core-db", "budget"] == "fail"  # ten minutes of 4 min 19 s
    assert (found["core-db", "answers"], found["core-db", "burn_rate"]) == ("ok", "ok")
    managed = "Engine management of olvm-engine"  # promised by itself, and nobody asks it
    assert {found[managed, check] for check in ("answers", "budget", "burn_rate")} == {"unknown"}
    assert Transition.objects.filter(subject_kind="service").count() == 6
    scene.spans(row, now, ("down", 30))
    assert judged()["core-db", "answers"] == "fail"
    last = Transition.objects.filter(check_name="answers", subject_key="core-db").order_by("pk").last()
    assert (last.from_outcome, last.to_outcome) == ("ok", "fail")
    assert judged() == judged()
    assert Objective.objects.count() == 2


def test_the_look_stays_while_something_is_promised_and_goes_with_it(row, judged):
    judged()
    ensure(row.engine)
    assert Look.objects.filter(probe="availability").count() == 1
    Engine.objects.update(watched=False)
    promised.tick()
    assert Look.objects.filter(probe="availability").count() == 0


def test_a_service_that_is_no_longer_declared_is_unknown_in_words(row, judged):
    row.engine.services.all().delete()
    assert judged()["core-db", "answers"] == "unknown"
    assert "is no longer declared" in Finding.objects.get(subject_key="core-db", check_name="answers").sentence


def test_one_engine_that_cannot_be_judged_does_not_blind_the_others(row, judged, monkeypatch):
    other = scene.service(scene.engine("dr-engine"), "reports")
    real = promised.judge

    def broken(look, at):
        if look.engine_id == other.engine_id:
            raise RuntimeError("odd rows")
        return real(look, at)

    monkeypatch.setattr(promised, "judge", broken)
    assert ("core-db", "budget") in judged()


def says(at):
    return proven(at).also


def test_the_overview_says_one_honest_sentence(row, now, judged):
    assert says(timezone.now()).answer.outcome == "unknown"
    judged()
    told_now = says(timezone.now())
    assert (told_now.answer.outcome, told_now.answer.word) == ("fail", "No")
    assert "core-db has lost its objective" in told_now.answer.sentence
    assert "last judged at" in says(timezone.now() + HOUR).answer.sentence
    row.spans.all().delete()
    objectives.retire(Objective.objects.get(kind="engine"), "admin1", "not ours")
    scene.spans(row, now - HOUR, ("up", 3600))
    judged()
    calm = says(timezone.now()).answer
    assert calm.outcome == "ok"
    assert calm.sentence.startswith("The one service with an objective is within budget: core-db was up 100.0000 %")
    assert "were not seen" in calm.sentence


def test_read_latency_becomes_spans_of_five_minutes(row, now):
    engine = row.engine
    Lun.objects.create(engine=engine, uuid="36a1", name="ora_data01")
    lun = scene.older(objectives.declare(engine, "lun", "36a1", Wish(most_ms=1.0), "admin1"), HOUR)
    host = Host.objects.create(engine=engine, uuid="h1", name="kvm01", address="10.0.0.1")
    look = Look.objects.create(engine=engine, host=host, probe="lun_latency", due_at=now)
    first = now.replace(minute=now.minute // 5 * 5, second=0, microsecond=0) - timedelta(minutes=50)

    def read(number, ms, reads=1000.0):
        at = first + timedelta(minutes=5 * number)
        for series, total in (("reads:36a1", reads), ("read_ms:36a1", reads * ms)):
            Rollup.objects.create(
                look=look, series=series, bucket=at, count=1, low=total, high=total, total=total, last=total
            )

    for number, ms in enumerate((0.4, 0.5, 2.0)):
        read(number, ms)
    assert reads.follow(lun, now) == 2
    assert reads.follow(lun, now) == 0
    read(4, 0.4)
    read(10, 0.4)  # not whole yet
    assert reads.follow(lun, now) == 1
    states = [(span.state, (span.last - span.began).total_seconds()) for span in lun.spans.all()]
    assert states == [("up", 600.0), ("down", 300.0), ("up", 300.0)]
    assert lun.spans.get(state="down").why == "2 ms per read on kvm01"
    found = over(lun, first, first + timedelta(minutes=25), now)
    assert (found.up_s, found.spent_s, found.not_watched_s) == (900.0, 300.0, 300.0)
