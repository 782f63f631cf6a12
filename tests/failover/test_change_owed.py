"""What a drill and a maintenance owe to their change: begin, groups, stops, end, the report as PDF, JSON and signed
evidence, the actual times and a code; each once, whoever looks how often."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from failover.models import Drill, Prompt, Window
from failover.services import change_notes, pages_change
from inventory.models import Engine, Site
from portal.changes.models import Change, ChangeNote, ChangeSystem
from portal.changes.services.delivering import deliver_due
from portal.evidence import services as evidence
from portal.kernel.secret import Secret
from portal.runs.models import Run, RunStep
from tests.changes.conftest import fake, system  # noqa: F401
from tests.changes.test_change_notes import change  # noqa: F401

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def engine(db):
    site = Site.objects.create(name="PROD")
    return Engine.objects.create(site=site, name="olvm", url="https://o/api", username="a", password=Secret("x"))


@pytest.fixture
def begun(engine, change):  # noqa: F811
    """A run of four steps that began ten minutes ago; its second group is under way."""
    now = timezone.now()
    run = Run.objects.create(
        plan="tabletop", plan_version=1, title="Tabletop", target=f"she:{engine.pk}", target_name="olvm", digest="0",
        requested_by="anna", approved_by="berta", status="running", started=now - 10 * MINUTE, bound=change,
        change="CHG1", change_asked={"number": "CHG1"}, request_id="request-1",
    )  # fmt: skip
    for position, (mutating, state) in enumerate(
        ((False, "done"), (True, "done"), (True, "running"), (False, "waiting")), 1
    ):
        RunStep.objects.create(
            run=run, position=position, name=f"s{position}", title=f"Step {position}", mutating=mutating, state=state,
            sentence=f"It is {position}.", ended=now - (10 - position) * MINUTE if state == "done" else None,
        )  # fmt: skip
    return run


@pytest.fixture
def drill(begun, engine):
    return Drill.objects.create(
        engine=engine, run=begun, plan="tabletop", title="Tabletop of olvm", requested_by="anna",
        requested_at=timezone.now() - 20 * MINUTE, measured={},
        verdicts=[{"key": "rto", "word": "met", "sentence": "It was 9 s."}],
    )  # fmt: skip


def owed():
    return list(ChangeNote.objects.order_by("sequence").values_list("kind", "key", "text", "name"))


def keys():
    return [key.partition(":")[2].partition(":")[2] for _, key, _, _ in owed()]


def end(run, status="succeeded"):
    run.steps.update(state="done", ended=timezone.now())
    Run.objects.filter(pk=run.pk).update(status=status, ended=timezone.now(), sentence="All 4 steps are done.")
    run.refresh_from_db()


def test_begin_and_groups_are_told_once_and_not_too_often(begun):
    assert change_notes.tick(timezone.now()) == 2
    assert change_notes.tick(timezone.now()) == 0
    texts = [text for _, _, text, _ in owed()]
    assert "asked for by anna, approved by berta). Correlation id request-1." in texts[0]
    assert "Steps 1 to 2 of 4. Step 2: It is 2." in texts[1]
    begun.steps.filter(position__lte=4).update(state="done", ended=timezone.now())
    assert change_notes.tick(timezone.now()) == 0, "within seconds of the last one"
    ChangeNote.objects.update(queued_at=timezone.now() - MINUTE)
    assert change_notes.tick(timezone.now()) == 1
    assert keys() == ["start", "group:2", "group:4"]


def test_what_holds_it_up_is_told(begun, drill):
    evidence.append("run.step_held", "portal", f"run:{begun.pk}", {"sentence": "CHG1 is cancelled."})
    evidence.append("drill.glass_broken", "berta", f"drill:{drill.pk}", {"reason": "It cannot wait."})
    Prompt.objects.create(drill=drill, step="s3", question="Is the branch informed?", asked_at=timezone.now())
    change_notes.tick(timezone.now())
    change_notes.tick(timezone.now())
    told = " ".join(text for _, _, text, _ in owed())
    for words in (
        "It waits for a decision. CHG1 is cancelled.",
        "The glass is broken: the gates are lifted. It cannot wait.",
        "It waits for a person: Is the branch informed?",
    ):
        assert told.count(words) == 1, words


def test_a_drill_ends_with_its_report_and_is_closed(begun, drill, change):  # noqa: F811
    evidence.append("drill.requested", "anna", f"drill:{drill.pk}", {})
    end(begun)
    change_notes.tick(timezone.now())
    assert keys()[-1].startswith("end:"), "its report comes first"
    Drill.objects.update(closed_at=timezone.now())
    change_notes.tick(timezone.now())
    change_notes.tick(timezone.now())
    rows = owed()
    files = [name for kind, _, _, name in rows if kind == "attach"]
    assert [name.rpartition("-v1")[2] for name in files] == [".json", ".pdf", "-evidence.json"]
    assert rows[-1][0] == "close"
    closing = ChangeNote.objects.get(kind="close")
    assert (closing.code, closing.began, closing.ended) == ("successful", begun.started, begun.ended)
    assert len(rows) == len(set(rows))
    assert "It was 9 s." in next(text for _, key, text, _ in rows if ":end:" in key)
    export = bytes(ChangeNote.objects.get(name__endswith="-evidence.json").content)
    assert b"holdfast-evidence-1" in export
    assert Change.objects.get().closed_by_us


@pytest.mark.parametrize(
    ("status", "verdict", "ignored", "code"),
    [
        ("succeeded", "not met", False, "successful_issues"),
        ("succeeded", "met", True, "successful_issues"),
        ("rolled_back", "met", False, "unsuccessful"),
    ],
)
def test_the_code_says_how_it_went(begun, drill, monkeypatch, status, verdict, ignored, code):
    monkeypatch.setattr(change_notes.change_files, "owe", lambda *given: 0)
    end(begun, status)
    if ignored:
        begun.steps.filter(position=4).update(state="ignored")
    Drill.objects.update(closed_at=timezone.now(), verdicts=[{"key": "rto", "word": verdict, "sentence": "So."}])
    change_notes.tick(timezone.now())
    assert ChangeNote.objects.get(kind="close").code == code


def test_what_is_too_large_is_said_and_not_sent(begun, drill, monkeypatch):
    evidence.append("drill.requested", "anna", f"drill:{drill.pk}", {})
    monkeypatch.setattr(change_notes.change_files, "LARGEST", 100)

    def no_pdf(made):
        raise change_notes.change_files.files.NoPdf("A PDF needs WeasyPrint.")

    monkeypatch.setattr(change_notes.change_files.files, "pdf_file", no_pdf)
    end(begun)
    Drill.objects.update(closed_at=timezone.now())
    change_notes.tick(timezone.now())
    assert change_notes.tick(timezone.now()) == 0
    told = " ".join(text for _, _, text, _ in owed())
    assert "No PDF of the report is attached. A PDF needs WeasyPrint." in told
    assert "bytes and is not attached: an auditor takes it from the portal." in told
    assert ChangeNote.objects.filter(kind="close").exists()


def test_without_its_report_a_change_is_not_closed(begun, drill, monkeypatch):
    """It cannot be made for now."""
    reports = change_notes.change_files.reports
    make = reports.make

    def none(pk, by):
        raise reports.NoReport("The drill is being measured.")

    monkeypatch.setattr(reports, "make", none)
    end(begun)
    Drill.objects.update(closed_at=timezone.now())
    change_notes.tick(timezone.now())
    assert not ChangeNote.objects.filter(kind="close").exists()
    monkeypatch.setattr(reports, "make", make)
    change_notes.tick(timezone.now())
    assert [kind for kind, *_ in owed()][-2:] == ["attach", "close"]


def test_a_change_stays_open_while_anything_of_it_is_under_way(begun, engine, change):  # noqa: F811
    end(begun)
    window = Window.objects.create(
        engine=engine, scope="global", state="active", asked_at=timezone.now(), enter_run=begun
    )
    change_notes.tick(timezone.now())
    assert not ChangeNote.objects.filter(kind="close").exists(), "its maintenance is still on"
    Window.objects.update(state="ended")
    other = Run.objects.create(
        plan="x", plan_version=1, title="Backup", target="host:1", target_name="kvm1", digest="0", requested_by="anna",
        status="awaiting_approval", bound=change,
    )  # fmt: skip
    change_notes.tick(timezone.now())
    assert not ChangeNote.objects.filter(kind="close").exists(), "more of it is still to come"
    Run.objects.filter(pk=other.pk).update(status="aborted")
    ChangeSystem.objects.update(closes=False)
    change_notes.tick(timezone.now())
    assert not ChangeNote.objects.filter(kind="close").exists(), "people close it themselves"
    ChangeSystem.objects.update(closes=True)
    change_notes.tick(timezone.now())
    assert ChangeNote.objects.filter(kind="close").count() == 1
    assert window.pk


def another(engine, change, title, **fields):  # noqa: F811
    """A second drill under the same change, which has ended and is still being measured."""
    now = timezone.now()
    given = {"status": "succeeded", "started": now - 5 * MINUTE, "ended": now, "sentence": "All steps are done."}
    run = Run.objects.create(
        plan="tabletop", plan_version=1, title=title, target=f"she:{engine.pk}", target_name="olvm", digest="0",
        requested_by="anna", bound=change, change="CHG1", change_asked={"number": "CHG1"}, **given | fields,
    )  # fmt: skip
    return Drill.objects.create(
        engine=engine, run=run, plan="tabletop", title=f"{title} of olvm", requested_by="anna", requested_at=now,
        measured={}, verdicts=[{"key": "rto", "word": "not met", "sentence": "It was 900 s."}],
    )  # fmt: skip


def test_of_two_drills_both_reports_come_before_the_close(begun, drill, engine, change):  # noqa: F811
    end(begun)
    Drill.objects.update(closed_at=timezone.now())
    second = another(engine, change, "Failover")
    change_notes.tick(timezone.now())
    assert not ChangeNote.objects.filter(kind="close").exists(), "the second one's report is not made yet"
    assert not ChangeNote.objects.filter(kind="attach", about=f"run:{second.run_id}").exists()
    Drill.objects.update(closed_at=timezone.now())
    change_notes.tick(timezone.now())
    rows = list(ChangeNote.objects.order_by("sequence").values_list("kind", "about"))
    assert rows[-1] == ("close", f"run:{second.run_id}")
    assert [about for kind, about in rows if kind == "attach"].count(f"run:{second.run_id}") == 3
    closing = ChangeNote.objects.get(kind="close")
    assert (closing.code, closing.began, closing.ended) == ("successful_issues", begun.started, second.run.ended)


def test_a_run_whose_notes_cannot_be_worked_out_keeps_the_change_open(begun, drill, engine, change, monkeypatch):  # noqa: F811
    end(begun)
    second = another(engine, change, "Failover")
    Drill.objects.update(closed_at=timezone.now())
    last_words = change_notes._last_words

    def broken(run, drill):
        if run.pk == second.run_id:
            raise ZeroDivisionError
        return last_words(run, drill)

    monkeypatch.setattr(change_notes, "_last_words", broken)
    change_notes.tick(timezone.now())
    assert not ChangeNote.objects.filter(kind="close").exists()
    monkeypatch.undo()
    change_notes.tick(timezone.now())
    assert ChangeNote.objects.filter(kind="close").count() == 1


def test_a_close_that_waits_is_taken_back_when_more_is_to_come(begun, drill, engine, change, fake):  # noqa: F811
    end(begun)
    Drill.objects.update(closed_at=timezone.now())
    change_notes.tick(timezone.now())
    assert Change.objects.get().closed_by_us
    second = another(engine, change, "Failover", status="awaiting_approval", started=None, ended=None)
    change_notes.tick(timezone.now())
    first = ChangeNote.objects.get(kind="close")
    assert (first.state, Change.objects.get().closed_by_us) == ("withdrawn", None)
    now = timezone.now()
    Run.objects.filter(pk=second.run_id).update(status="succeeded", started=now, ended=now, sentence="Done.")
    Drill.objects.update(closed_at=now)
    change_notes.tick(now)
    for _ in range(3):
        deliver_due(timezone.now())
    assert [row.state for row in ChangeNote.objects.filter(kind="close").order_by("sequence")] == [
        "withdrawn",
        "delivered",
    ]
    assert (len(fake.closed), fake.notes[-1][1].count("It was 900 s.")) == (1, 1)


def test_one_that_was_asked_for_and_never_began_does_not_keep_it_open(begun, drill, engine, change):  # noqa: F811
    end(begun)
    Drill.objects.update(closed_at=timezone.now())
    change_notes.tick(timezone.now())
    second = another(engine, change, "Failover", status="awaiting_approval", started=None, ended=None)
    change_notes.tick(timezone.now())
    Run.objects.filter(pk=second.run_id).update(status="aborted", ended=timezone.now())
    change_notes.tick(timezone.now())
    change_notes.tick(timezone.now())
    assert [row.state for row in ChangeNote.objects.filter(kind="close").order_by("sequence")] == [
        "withdrawn",
        "queued",
    ]


def test_a_run_alone_leaves_its_change_open_until_the_window_is_over(begun):
    end(begun)
    change_notes.tick(timezone.now())
    assert not ChangeNote.objects.filter(kind="close").exists()
    Change.objects.update(ends=timezone.now())
    change_notes.tick(timezone.now())
    assert ChangeNote.objects.filter(kind="close").count() == 1


def test_a_run_that_breaks_it_stops_no_other(begun, monkeypatch, caplog):
    def broken(*given):
        raise ZeroDivisionError

    monkeypatch.setattr(change_notes.noting, "start_note", broken)
    assert change_notes.tick(timezone.now()) == 0
    assert "could not be worked out" in caplog.text


def test_the_drills_page_says_what_its_change_allows(begun, drill, change):  # noqa: F811
    now = timezone.now()
    told = pages_change.bound(Drill.objects.select_related("run").get(), now)
    assert (told.state, told.word) == ("unknown", "Not read back")
    Change.objects.update(gate="allowed", seen_at=now, sentence="So.", begins=now - MINUTE, ends=now + 600 * MINUTE)
    told = pages_change.bound(Drill.objects.select_related("run").get(), now)
    assert (told.state, told.word) == ("ok", "Allowed")
    end(begun)
    assert pages_change.bound(Drill.objects.select_related("run").get(), now).word == "Over"
    Run.objects.update(bound=None)
    assert pages_change.bound(Drill.objects.select_related("run").get(), now) is None
