"""A composed drill of manual steps, run to its end: asked, answered with a file, not done and ignored by a second
person, timed out, asked anew; and what evidence and report say of all that."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models.functions import Now
from django.utils import timezone

from failover.models import Attachment, Drill, Prompt
from failover.services import approvals, attachments, composed, concluding, conduct, drills, report
from failover.services.measured import pauses
from failover.services.pages_drill import prompts
from failover.views.report import given_out
from portal.evidence.models import Record
from portal.runs import drive, runner, services
from portal.runs.models import Run
from portal.runs.services import Refused
from tests.failover.report_rows import shown
from tests.failover.test_attaching import PNG_BYTES
from tests.ui import drill_world, world

pytestmark = pytest.mark.django_db(transaction=True)
STEPS = [
    {"step": "ask_person", "question": "Is the branch informed?", "minutes": 10},
    {"step": "ask_person", "question": "Is the phone tree up to date?", "minutes": 10},
    {"step": "ready_again"},
    {"step": "start_clock"},
    {"step": "ask_person", "question": "Does the duty officer answer?", "minutes": 30},
    {"step": "stop_clock"},
]


@pytest.fixture
def run(settings, tmp_path, monkeypatch):
    """A drill of the plan that is under way, its first question asked."""
    settings.HOLDFAST_VAULT = tmp_path / "vault"
    monkeypatch.setattr(drive, "SLICE", 0.05)
    engine = world.build("healthy")
    drill_world.people()
    composed.create("phones", "Phone tree", STEPS, "operator1")
    now = timezone.now()
    window = (now - timedelta(minutes=1), now + timedelta(hours=6))
    drill = drills.request(engine, "custom-phones", {}, by="operator1", window=window)
    approvals.approve(drill.pk, "approver1", drill_world.shown_hash(drill))
    return go(conduct.begin(drill.pk, "operator1"))


def go(run: Run) -> Run:
    """Wakes a worker until nothing more happens by itself."""
    for _ in range(12):
        Run.objects.filter(pk=run.pk, status="waiting").exclude(steps__state="held").update(due_at=Now())
        runner.execute(run.pk)
    run.refresh_from_db()
    return run


def states(run):
    return list(run.steps.order_by("position").values_list("state", flat=True))


def asked() -> Prompt:
    return Prompt.objects.order_by("pk").last()


def answer(word="done", seen="I saw it.", upload=None):
    return conduct.answer(asked().pk, "operator1", word, seen, "", upload)


def png(name="screen shot.png", raw=PNG_BYTES):
    return SimpleUploadedFile(name, raw, content_type="text/html")


def drill_of(run) -> Drill:
    return Drill.objects.select_related("engine", "run").get(run=run)


def test_the_whole_of_it(run, settings):
    one = asked()
    assert (states(run)[0], one.question, one.answer) == ("running", "Is the branch informed?", "")
    assert one.until == run.steps.get(position=1).deadline
    answer(upload=png())
    file = Attachment.objects.get()
    kept = settings.HOLDFAST_VAULT / str(run.ref) / "attachments" / file.sha256
    assert (file.name, file.kind, file.size, kept.read_bytes()) == (
        "screen shot.png", "image/png", len(PNG_BYTES), PNG_BYTES,
    )  # fmt: skip
    assert kept.stat().st_mode & 0o077 == 0
    body = Record.objects.get(kind="drill.prompt_answered").body
    assert body["file"] == {"name": file.name, "kind": file.kind, "size": file.size, "sha256": file.sha256}

    go(run)
    assert (states(run)[:2], asked().question) == (["done", "running"], "Is the phone tree up to date?")
    answer("not_done", "Two numbers are wrong.")
    run = go(run)
    assert (run.status, states(run)[1]) == ("waiting", "held")
    assert run.steps.get(position=2).sentence == "operator1 says that it was not done: Two numbers are wrong."
    with pytest.raises(Refused, match="another person"):
        services.ignore(run.pk, 2, "operator1", "why")
    services.ignore(run.pk, 2, "approver2", "The numbers are put right tomorrow.")

    run = go(run)
    assert states(run) == ["done", "ignored", "done", "done", "running", "waiting"]
    answer()
    run = go(run)
    assert (run.status, states(run)[-1]) == ("succeeded", "done")
    assert "Step 2 (Is the phone tree up to date?) failed; ignored by approver2" in run.sentence

    concluding.conclude(drill_of(run).pk)
    made = report.make(drill_of(run).pk, "operator1").report
    assert made.verdict.state == "unknown"
    assert made.verdict.words == "no objective was fixed, 1 failed step ignored"
    told = next(one for one in made.deviations if one.who == "approver2")
    assert told.what == (
        "Step 2 (Is the phone tree up to date?) was ignored: The numbers are put right tomorrow. It had failed: "
        "operator1 says that it was not done: Two numbers are wrong."
    )
    assert made.frame.kind == "a plan of this estate's own, paper: talked through, nothing was touched"
    annex = next(one for one in shown(made).sections if one.number == "Annex D")
    assert [cell.text for cell in annex.rows[0]] == [
        "screen shot.png", "image/png", f"{len(PNG_BYTES)}", "operator1", "Is the branch informed?",
    ]  # fmt: skip
    assert annex.rows[0][0].more.replace(" ", "") == f"sha256{file.sha256}"
    assert report.make(drill_of(run).pk, "auditor1").seal.version == 1, "the same rows, the same report"
    waited = pauses(drill_of(run))
    assert [pause.why for pause in waited][-2:] == [
        "Does the duty officer answer?",
        "A decision on step 2, which failed",
    ]


def test_a_step_that_is_tried_again_asks_anew(run):
    answer("not_done", "Nobody answers.")
    run = go(run)
    first = asked()
    assert states(run)[0] == "held"
    services.retry(run.pk, 1, "operator1")
    run = go(run)
    assert (asked().attempt, asked().pk != first.pk, states(run)[0]) == (2, True, "running")
    with pytest.raises(Refused, match=r"answered already|asks anew"):
        conduct.answer(first.pk, "operator1", "done", "late")
    assert [row.open for row in prompts(drill_of(run))] == [True, False]
    answer()
    assert states(go(run))[0] == "done"


def test_when_time_is_over_the_question_is_closed_and_people_decide(run):
    run.steps.filter(position=1).update(deadline=Now() - timedelta(seconds=1))
    Prompt.objects.update(until=timezone.now() - timedelta(seconds=1))
    run = go(run)
    row = run.steps.get(position=1)
    assert (row.state, run.status) == ("held", "waiting")
    assert "Patience ended" in row.sentence
    with pytest.raises(Refused, match="waits for no answer any more: it is held"):
        answer()
    assert [row.open for row in prompts(drill_of(run))] == [False]
    run.steps.filter(position=1).update(deadline=Now() - timedelta(seconds=1))
    Run.objects.filter(pk=run.pk).update(due_at=Now())
    runner.execute(run.pk)
    run.refresh_from_db()
    assert (run.status, states(run)[0]) == ("failed", "failed")
    assert "Nobody decided in time" in run.sentence
    concluding.conclude(drill_of(run).pk)
    told = report.make(drill_of(run).pk, "operator1").report.deviations
    assert any(one.what == "Never answered: Is the branch informed?" for one in told)


@pytest.mark.parametrize(
    ("name", "raw", "words"),
    [
        ("a.png", b"MZ\x90\x00", "neither a PNG or JPEG picture"),
        ("a.txt", b"", "is empty"),
        ("a.txt", b"x" * 4_000_001, "at most 4,000,000 are kept"),
    ],
)
def test_a_file_that_is_not_taken_leaves_the_question_open(run, name, raw, words):
    with pytest.raises(Refused, match=words):
        answer(upload=png(name, raw))
    assert (asked().answer, Attachment.objects.count()) == ("", 0)
    assert Record.objects.filter(kind="run.refused", actor="operator1").count() == 1


def test_a_vault_that_takes_nothing_leaves_the_question_open(run, settings, tmp_path):
    (tmp_path / "full").write_text("no folder")
    settings.HOLDFAST_VAULT = tmp_path / "full"
    with pytest.raises(Refused, match="The vault cannot keep the file"):
        answer(upload=png())
    assert (asked().answer, Attachment.objects.count()) == ("", 0)


def test_a_file_is_given_out_as_it_was_kept_or_not_at_all(run, settings):
    answer(upload=png("<b>.png"))
    row, drill = Attachment.objects.get(), drill_of(run)
    taken = attachments.take(drill, row.pk, "auditor1", {"address": "127.0.0.1"})
    sent = given_out(taken)
    assert (sent.content, sent["Content-Type"], sent["X-Content-Type-Options"]) == (PNG_BYTES, "image/png", "nosniff")
    assert sent["Content-Disposition"] == 'attachment; filename="_b_.png"'
    assert "sandbox" in sent["Content-Security-Policy"]
    record = Record.objects.get(kind="drill.attachment_taken")
    assert (record.actor, record.body["sha256"]) == ("auditor1", row.sha256)
    path = settings.HOLDFAST_VAULT / str(run.ref) / "attachments" / row.sha256
    path.write_bytes(b"another")
    with pytest.raises(Refused, match="is not what was attached"):
        attachments.take(drill, row.pk, "auditor1", {})
    path.unlink()
    with pytest.raises(Refused, match=r"does not give _b_\.png out"):
        attachments.take(drill, row.pk, "auditor1", {})
    with pytest.raises(Attachment.DoesNotExist):
        attachments.take(drill, row.pk + 1, "auditor1", {})


def test_a_worker_that_dies_while_it_asks_asks_once(run, monkeypatch):
    answer()
    Run.objects.filter(pk=run.pk).update(due_at=Now())
    from failover.services import prompts as asking

    whole = asking.ask

    def dies(*given):
        whole(*given)
        raise KeyboardInterrupt

    monkeypatch.setattr(asking, "ask", dies)
    with pytest.raises(KeyboardInterrupt):
        runner.execute(run.pk)
    monkeypatch.setattr(asking, "ask", whole)
    Run.objects.filter(pk=run.pk).update(lease_expires=Now() - timedelta(seconds=1))
    run = go(run)
    assert states(run)[:2] == ["done", "running"]
    assert Prompt.objects.filter(step="ask_person_2").count() == 1
