"""From rows to the content of a period report: figures, courses, ages, gaps, verdicts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from failover.reports.period import content, courses, given, restoring
from tests.failover.period_rows import (
    BEFORE,
    DAY,
    HOUR,
    MONTH,
    SCOPE,
    T0,
    aim,
    drill,
    rehearsal,
    report,
    service,
    slice_,
    turn,
    window,
)

WHOLE = int((MONTH.ends - MONTH.begins).total_seconds())


def course(*turns, began=(), names=None):
    return courses.course(began, turns, MONTH, names or {})


def figure(of, key):
    return next(one for one in of.figures if one.key == key)


def test_an_estate_in_order_is_ok_and_compared():
    found = report()
    assert found.verdict == content.Verdict("ok", "every objective is met, nothing is overdue")
    assert found.gaps == ()
    assert found.luns.subjects[0].name == "ora_data01"
    assert (figure(found, "drills").now, figure(found, "drills").before) == (1, 1)
    assert figure(found, "recovery").now == 151_200
    assert figure(found, "luns").now == 1_000_000
    assert figure(found, "availability").now == 999_950
    assert figure(found, "gap").now == 25 * 3600
    assert found.lead[0] == "1 drill ended in the period; 1 met every objective."


def test_the_worst_check_of_a_subject_is_its_state():
    found = course(
        turn(at=T0 - DAY),
        turn(at=T0 + DAY, outcome="warn"),
        turn(at=T0 + DAY, outcome="fail", check="other"),
        turn(at=T0 + 2 * DAY, check="other"),
        turn(at=T0 + 3 * DAY),
        turn(at=MONTH.ends + DAY, outcome="fail"),
    )
    (one,) = found.subjects
    assert one.shares == content.Shares(T0, WHOLE - 2 * 86_400, 86_400, 86_400, 0)
    assert (one.turns, one.worst, one.at) == (3, "lun1 is fail.", T0 + DAY)
    assert [part.fail for part in found.parts[:3]] == [0, 86_400, 0]
    assert sum(part.whole for part in found.parts) == WHOLE
    assert courses.share(found) == (WHOLE - 2 * 86_400) * 1_000_000 // WHOLE


def test_two_checks_that_say_the_same_are_one_stretch():
    found = course(turn(at=T0 - DAY), turn(at=T0 + DAY, check="other"), turn(at=T0 + 2 * DAY, outcome="warn"))
    (one,) = found.subjects
    assert (one.turns, one.shares.ok) == (1, 2 * 86_400)


def test_what_was_bad_before_and_still_is_stands_in_the_report():
    (one,) = course(began=(turn(at=T0 - 9 * DAY, outcome="warn"),)).subjects
    assert (one.shares.warn, one.worst, one.at) == (WHOLE, "lun1 is warn.", T0 - 9 * DAY)


def test_time_before_the_first_look_counts_for_nothing():
    found = course(turn(at=T0 + 10 * DAY), turn("lun2", T0 + 12 * DAY, "unknown"))
    assert found.since == T0 + 10 * DAY
    assert found.subjects[0].name == "lun2", "what is not known stands above what is well"
    assert found.subjects[1].shares.whole == WHOLE - 10 * 86_400
    assert courses.share(course()) is None


def test_the_age_of_the_newest_proven_backup():
    assert restoring.gap([], MONTH) is None
    assert restoring.gap([rehearsal(2)], MONTH) is None, "for two days none was proven"
    rows = [rehearsal(-1), rehearsal(5, "failed"), rehearsal(10), rehearsal(20), rehearsal(29)]
    assert restoring.gap(rows, MONTH) == int((11 * DAY + HOUR).total_seconds())
    assert restoring.gap([rehearsal(-1)], MONTH) == WHOLE + 86_400 + 3600, "up to the end of the period"
    late = rehearsal(11, taken=T0 - 2 * DAY)
    assert restoring.gap([rehearsal(-1), late], MONTH) == WHOLE + 86_400 + 3600, "an old one makes nothing younger"


def test_backups_are_counted_by_what_became_of_them():
    bad = given.Backup("olvm", "b30", T0 + 29 * DAY, "FAILED", "No space.")
    rows = slice_(
        backups=(*slice_().backups, bad),
        missed=(given.MissedBackup("olvm", T0 + 4 * DAY, "It never came."),),
        rehearsals=(*slice_().rehearsals, rehearsal(6, "failed", at=T0 + 6 * DAY + HOUR)),
    )
    found = report(rows)
    (one,) = found.backups
    assert (one.done, one.failed, one.missed, one.proven, one.not_proven) == (29, 1, 1, 30, 1)
    assert [each.what for each in found.troubles] == ["missed", "not restorable", "failed"]
    assert sum(each.failed for each in found.backup_days) == 2
    assert found.backup_days[0].proven == 1
    assert (one.restore, one.restore_longest, one.compared) == (180, 180, 30)


def gaps(of):
    return {one.section: one.sentence for one in of.gaps}


def test_what_is_missing_is_said_in_its_place():
    rows = slice_(since=None, drills=(), luns_began=(), tuning_began=(), services=None, rehearsals=())
    found = report(rows, before=None)
    said = gaps(found)
    assert said["Summary"].startswith("The portal has kept nothing of this scope yet")
    assert said["Comparison"].endswith("nothing to compare with.")
    assert said["Redundancy of LUNs"] == "No LUN was looked at in this period."
    assert said["Tuning"] == "No Oracle VM was looked at in this period."
    assert said["Availability"] == "Availability is not measured in this period."
    assert figure(found, "luns").missing == "no LUN was looked at"
    assert figure(found, "gap").missing == "at some time of the period no backup was proven"
    assert figure(found, "recovery").before is None
    assert found.previous is None
    assert found.lead[0] == "The portal did not watch in this period, so that nothing of it is known."
    assert {one.now for one in found.figures} == {None}, "no figure is 0 of what nobody counted"
    assert figure(found, "drills").missing == "the portal did not watch"
    quiet = report(slice_(drills=(), backups=(), rehearsals=(), services=None))
    assert "No drill ended in the period." in quiet.lead
    assert "No backup was taken and no rehearsal was proof that one can be restored." in quiet.lead
    assert "Availability is not measured in this period." in quiet.lead


def test_time_that_is_not_known_is_said():
    began = (turn(at=T0 + 2 * DAY, outcome="unknown"),)
    found = report(slice_(luns_began=(), luns=began, services=(service(unwatched=7_200_000),), since=T0 + HOUR))
    sentences = [one.sentence for one in found.gaps]
    assert "100 % of the time of all LUNs is not known." in sentences
    assert "The first look at a LUN was 2 days into the period: nothing is known before." in sentences
    assert "Of Engine 2 h are not known: that time never counts as up." in sentences
    assert "The portal began to watch this scope 1 h into the period: nothing is known before." in sentences
    short = (turn(at=T0 + DAY, outcome="unknown"), turn(at=T0 + DAY + HOUR))
    assert "Less than 1 % of the time of all LUNs is not known." in [
        one.sentence for one in report(slice_(luns=short)).gaps
    ]
    assert gaps(report(slice_(services=())))["Availability"].startswith("No service has an objective")
    assert gaps(report(scope=replace(SCOPE, engines=())))["Summary"] == "No engine lies in the scope."
    assert gaps(report(unwatched=("a", "b")))["Summary"].startswith("a and b are not watched any more")


def test_services_of_which_nothing_is_known_have_no_figure():
    found = report(slice_(services=(service(ratio=None),)))
    assert (figure(found, "availability").now, figure(found, "unplanned").now) == (None, None)


def test_the_least_availability_is_not_known_while_that_of_one_service_is_not():
    found = report(slice_(services=(service(), service(name="core-db", ratio=None))))
    assert figure(found, "availability").now is None


def test_figures_of_acts():
    rows = slice_(
        windows=(window(), window(overdue=True)),
        changes=(*slice_().changes, content.Change("", "Enter", "kvm01", "op", T0, None, "failed")),
        waivers=(content.Waiver("broken glass", "Drill", "Urgent", "op", "ap", T0, None, ""),),
        drills=(drill(deviations=("Step 4 was retried.",), objectives=(aim("not met", 400_000),)),),
    )
    found = report(rows)
    now = {one.key: one.now for one in found.figures}
    assert (now["windows"], now["overdue_windows"], now["maintenance"]) == (2, 1, 7200)
    assert (now["changes"], now["unnumbered"], now["waivers"], now["deviations"]) == (1, 1, 1, 1)
    assert (now["objectives"], now["objectives_met"]) == (1, 0)


def test_the_same_rows_give_the_same_content():
    assert report() == report()
    assert report().period.begins == BEFORE.ends
    assert timedelta(0) < MONTH.ends - MONTH.begins
