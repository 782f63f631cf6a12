"""The backups' pages to read: every scene says what is so, nothing secret or hostile gets out, the cost is constant."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings
from django.utils import timezone

from backups.models import Backup, Copy, Missed, Obstacle, Policy, Rehearsal
from backups.services.pages_ladder import ladder_of
from backups.services.pages_schedule import spoken
from backups.views import drawing
from tests.ui import backup_world, world
from tests.ui.test_pages import Reader

SCENES = [
    "full",
    "failing",
    "none",
    *(pytest.param(one, marks=pytest.mark.matrix) for one in ("fine", "unproven", "empty")),
]
HOSTILE = '<script>alert("x")</script>'


@pytest.fixture
def client_of(person):
    def make(role: str) -> Client:
        client = Client()
        client.force_login(person(role))
        return client

    return make


def pages_of(policy: Policy | None) -> list[str]:
    """Every page that GET shows in a scene."""
    found = ["/backups/", "/backups/policies/", "/backups/destinations/"]
    found += ["/backups/policies/new/", "/backups/destinations/new/", "/backups/recipients/new/"]
    if policy is None:
        return found
    found += [f"/backups/policies/{policy.pk}/{act}" for act in ("", "edit/", "switch/", "delete-obsolete/")]
    found += [f"/backups/new/{policy.pk}/", "/backups/policies/cron/?cron=0+*+*+*+*&zone=UTC"]
    for place in policy.destinations.all():
        found += [f"/backups/destinations/{place.pk}/{act}/" for act in ("edit", "try", "switch")]
    for backup in [*policy.backups.all()[:2], *policy.backups.filter(status="FAILED")[:1]]:
        acts = ("", "verify/", "rehearse/", "keep/", "release/", "copy/", "download/")
        found += [f"/backups/{backup.pk}/{act}" for act in acts]
    return found


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("role", [pytest.param("operator", marks=pytest.mark.matrix), "admin"])
def test_every_page_is_clean_in_every_scene_and_tells_no_secret(scene, role, client_of):
    policy = backup_world.build(scene)
    client = client_of(role)
    for path in pages_of(policy):
        answer = client.get(path)
        assert answer.status_code in (200, 403), path
        text = answer.content.decode()
        assert [secret for secret in backup_world.SECRETS if secret in text] == [], path
        page = Reader(text)
        assert page.refused == [], path
        assert all(page.scripts), path
        if answer.status_code == 200 and "/cron/" not in path:
            assert page.headings.count("h1") == 1, path
            assert len(page.ids) == len(set(page.ids)), path
            nameless = [f for f in page.fields if not (f.get("id") in page.labelled or f["inside"])]
            assert nameless == [], path


@pytest.mark.parametrize(
    ("scene", "state", "words"),
    [
        ("full", "warn", "; the copy at DR is late"),
        ("fine", "ok", "Restorable to "),
        ("unproven", "unknown", "No backup is proven restorable"),
        ("failing", "fail", "No backup has ended as DONE"),
        ("empty", "unknown", "No backup has been taken"),
        ("none", "unknown", "Whether the engine could be rebuilt is not known"),
    ],
)
def test_the_title_is_the_verdict_and_the_navigation_and_overview_say_the_same(scene, state, words, reader):
    world.build("healthy")
    backup_world.build(scene)
    page = reader.get("/backups/")
    assert page.context["state"] == state
    assert words in page.context["headline"]
    section = next(one for one in page.context["frame"].sections if one.key == "backups")
    assert section.worst == ("" if state == "ok" else state)
    tile = next(one for one in reader.get("/").context["tiles"] if "rebuilt" in one.question)
    assert tile.state == state
    known = {"full": "Yes, with a gap", "fine": "Yes", "failing": "No"}
    assert tile.answer == known.get(scene, "Not known")


def test_a_policy_that_is_switched_off_is_not_green(reader):
    policy = backup_world.build("fine")
    Policy.objects.filter(pk=policy.pk).update(enabled=False)
    page = reader.get("/backups/")
    assert page.context["state"] != "ok"
    assert "switched off" in page.content.decode()
    assert not page.context["starts"]


def breaks(now):
    raise RuntimeError("the answer is broken")


def test_an_answer_that_breaks_is_unknown_and_breaks_no_page(reader):
    world.build("healthy")
    with override_settings(HOLDFAST_ANSWERS={"rebuild": f"{__name__}.breaks"}):
        page = reader.get("/")
    tile = next(one for one in page.context["tiles"] if "rebuilt" in one.question)
    assert (page.status_code, tile.state, tile.answer) == (200, "unknown", "Not known")
    assert "RuntimeError" in tile.sentence


def test_the_catalog_shows_what_the_picture_shows(reader):
    backup_world.build("full")
    page = reader.get("/backups/")
    rows = [row for row, _ in page.context["rows"]]
    assert len(rows) == 15
    assert [row.ladder.word for row in rows[:8]] == ["V5", "V5", "V5", "V4", "V5", "none", "V5", "V2"]
    assert [row.shape for row in rows[5:8]] == ["fail", "ok", "warn"]
    assert [(chip.name, chip.kind) for chip in rows[0].chips] == [("engine", "held"), ("PROD", "held"), ("DR", "late")]
    assert [chip.kind for chip in rows[6].chips] == ["none", "held", "held"]
    assert [chip.kind for chip in rows[5].chips] == ["none", "none", "none"]
    assert (rows[2].word, rows[2].why) == ("KEEP", "It is held: before the upgrade of CHG0034790.")
    assert rows[5].word == "NONE"
    Backup.objects.filter(pk=rows[6].backup.pk).update(looked_back=False)
    unseen = reader.get("/backups/").context["rows"][6][0]
    assert unseen.chips[0].kind == "unknown"
    assert "A file of the engine changed while tar read it" in rows[5].second
    assert rows[7].second == "The dwh dump is cut short: pg_restore ended at row 2,114,806."
    assert page.context["clock"].words == "4 h 14 min"
    assert page.context["at_hand"] == rows[0]
    assert len(page.context["sizes"].dots) == 14


def test_filters_and_order_stand_in_the_address(reader):
    backup_world.build("full")

    def idents(query: str) -> list[str]:
        return [row.backup.ident for row, _ in reader.get(f"/backups/?{query}").context["rows"]]

    every = idents("")
    assert idents("state=bad") == [every[5], every[7]]
    assert idents("q=CHG0034790") == [every[2]]
    assert idents("state=held") == [every[2]]
    assert idents("state=unproven") == [every[3], every[7]]
    assert idents("reason=change") == [every[2]]
    assert idents("sort=backup") == every[::-1]
    assert idents("sort=size")[0] == every[7]
    assert idents("policy=99999") == []
    gone = Backup.objects.get(ident=every[14])
    Backup.objects.filter(pk=gone.pk).update(deleted_at=timezone.now())
    assert gone.ident not in idents("")
    assert idents("shown=deleted") == [gone.ident]
    assert gone.ident in idents("shown=all")
    assert reader.get(f"/backups/?backup={every[3]}").context["at_hand"].backup.ident == every[3]


def test_the_csv_holds_the_filtered_rows_and_no_formula(reader):
    backup_world.build("full")
    Backup.objects.filter(change="CHG0034790").update(change="=cmd()")
    text = reader.get("/backups/?format=csv&state=held").getvalue().decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 1
    assert rows[0]["change"] == "'=cmd()"
    assert (rows[0]["retention"], rows[0]["proven_to"], rows[0]["status"]) == ("KEEP", "V5", "DONE")
    assert "DR late" in rows[0]["copies"]


def test_hostile_text_is_shown_as_text(reader, client_of):
    policy = backup_world.build("full")
    backup = policy.backups.order_by("-taken").first()
    Backup.objects.filter(pk=backup.pk).update(
        sentence=HOSTILE, what_to_do=HOSTILE, keep=HOSTILE, change=HOSTILE, status="FAILED", engine_path=HOSTILE,
        ladder=[{"name": HOSTILE, "outcome": "ok", "sentence": HOSTILE, "evidence": [HOSTILE]},
                {"name": "dumps", "outcome": HOSTILE, "sentence": HOSTILE, "evidence": [HOSTILE]}],
        output={"take": {"stdout": HOSTILE, "stderr": HOSTILE, "log": HOSTILE, "exit_code": 1, "cause": {}}},
    )  # fmt: skip
    Copy.objects.filter(backup=backup).update(sentence=HOSTILE, state="lost")
    Rehearsal.objects.filter(backup=backup).update(
        sentence=HOSTILE, server=HOSTILE, notes=[HOSTILE], tables={"engine": {HOSTILE: 3}}
    )
    now = timezone.now()
    Missed.objects.create(policy=policy, due_at=now - timedelta(hours=1), noticed_at=now, sentence=HOSTILE)
    Obstacle.objects.create(policy=policy, act="take", subject="x", sentence=HOSTILE, since=now, at=now)
    Policy.objects.filter(pk=policy.pk).update(name=HOSTILE, heartbeat_sentence=HOSTILE)
    paths = ["/", "/backups/", f"/backups/{backup.pk}/", f"/backups/policies/{policy.pk}/", "/backups/destinations/"]
    for path in [*paths, "/backups/policies/", f"/backups/{backup.pk}/release/", f"/backups/new/{policy.pk}/"]:
        text = reader.get(path).content.decode()
        assert HOSTILE not in text, path
        assert "&lt;script&gt;" in text or path in ("/", "/backups/destinations/"), path
    output = reader.get(f"/backups/{backup.pk}/output/take/stdout/")
    assert output["Content-Type"].startswith("text/plain")
    assert "attachment" in output["Content-Disposition"]
    assert reader.get(f"/backups/{backup.pk}/output/take/exit_code/").status_code == 404
    assert reader.get(f"/backups/{backup.pk}/output/cause/stdout/").status_code == 404


def test_what_was_never_recorded_is_said_as_not_known(reader):
    policy = backup_world.build("empty")
    started = Backup.objects.create(
        engine=policy.engine, policy=policy, ident="20261122T060004", reason="scheduled", taken=timezone.now()
    )
    row = reader.get("/backups/").context["rows"][0][0]
    assert (row.shape, row.ladder.word, row.took) == ("unknown", "none", None)
    page = reader.get(f"/backups/{started.pk}/")
    assert "nobody saw it end" in page.context["headline"]
    assert "No output was kept." in page.content.decode()


@pytest.mark.parametrize("copies_of_the_catalog", [1, 5])
def test_at_most_ten_queries_whatever_the_size(copies_of_the_catalog, reader):
    world.build("healthy")
    policy = backup_world.build("full")
    for number in range(1, copies_of_the_catalog):
        backup_world._catalog(
            policy, tuple(policy.destinations.order_by("pk")), "fine", timezone.now() - timedelta(days=number * 5)
        )
    newest = policy.backups.first()
    counts = {}
    for path in ("/backups/", "/backups/policies/", "/backups/destinations/", f"/backups/{newest.pk}/",
                 f"/backups/policies/{policy.pk}/", "/backups/?format=csv"):  # fmt: skip
        reader.get(path)
        with CaptureQueriesContext(connection) as queries:
            reader.get(path).getvalue()
        counts[path] = len(queries)
    most = {f"/backups/policies/{policy.pk}/": 11}  # its retention preview is the service's own
    assert {path: number for path, number in counts.items() if number > most.get(path, 10)} == {}


def entry(**changed) -> Backup:
    names = ("present", "size", "hash", "verify", "listing", "members", "dumps", "pki", "version")
    outcomes = changed.pop("outcomes", {})
    ladder = [{"name": name, "outcome": outcomes.get(name, "ok"), "sentence": f"{name}."} for name in names]
    return Backup(**{"status": "DONE", "proof": "none", "ladder": ladder, **changed})


@pytest.mark.parametrize(
    ("backup", "kinds", "word"),
    [
        (entry(proof="proven"), ["ok"] * 6, "V5"),
        (entry(), ["ok"] * 5 + ["none"], "V4"),
        (entry(outcomes={"verify": "skipped"}), ["ok", "none", "ok", "ok", "ok", "none"], "V4"),
        (entry(outcomes={"dumps": "fail"}), ["ok", "ok", "ok", "fail", "ok", "none"], "V2"),
        (entry(proof="proven", outcomes={"dumps": "fail"}), ["ok", "ok", "ok", "fail", "ok", "unknown"], "V2"),
        (entry(outcomes={"hash": "unknown"}), ["unknown", "ok", "ok", "ok", "ok", "none"], "none"),
        (entry(outcomes={"members": "what"}), ["ok", "ok", "unknown", "ok", "ok", "none"], "V1"),
        (entry(proof="failed"), ["ok"] * 5 + ["fail"], "V4"),
        (entry(proof="unknown"), ["ok"] * 5 + ["unknown"], "V4"),
        (entry(status="FAILED", ladder=[]), ["fail"] + ["none"] * 5, "none"),
        (entry(status="STARTED", ladder=[]), ["running"] + ["none"] * 5, "none"),
        (entry(ladder=[]), ["ok"] + ["none"] * 5, "V0"),
        (entry(ladder=["torn", {"outcome": "ok"}]), ["ok"] + ["none"] * 5, "V0"),
    ],
)
def test_six_steps_over_nine_rungs(backup, kinds, word):
    ladder = ladder_of(backup)
    assert [step.kind for step in ladder.steps] == kinds
    assert ladder.word == word


def test_a_ladder_that_is_being_climbed_says_so():
    verifying = ladder_of(entry(ladder=[]), running="backup_verify")
    assert [step.kind for step in verifying.steps] == ["ok", *["running"] * 4, "none"]
    assert ladder_of(entry(), running="backup_rehearse").steps[5].kind == "running"


NOW = datetime(2026, 11, 22, 7, 14, 32, tzinfo=UTC)


def test_the_clock_bar_says_where_now_next_and_objective_are():
    clock = drawing.clock(NOW - timedelta(hours=6), NOW, NOW + timedelta(hours=6), 24 * 3600)
    assert (clock.words, clock.state) == ("6 h", "ok")
    assert float(clock.now[:-1]) < float(clock.next[:-1]) < float(clock.objective[:-1]) < 100
    late = drawing.clock(NOW - timedelta(hours=30), NOW, None, 24 * 3600)
    assert late.state == "fail"
    assert float(late.objective[:-1]) < float(late.now[:-1]) < 100
    assert late.told[-1] == "objective 24 h, passed"
    assert drawing.clock(None, NOW, None, 3600) is None


def test_labels_of_the_clock_cover_no_other_in_their_row():
    for minutes in (1, 30, 200, 1000, 1430, 2900):
        clock = drawing.clock(NOW - timedelta(minutes=minutes), NOW, NOW + timedelta(minutes=5), 24 * 3600)
        spans: dict[int, list[tuple[float, float]]] = {0: [], 1: []}
        for label in clock.labels:
            wide, at = len(label.text) * drawing.LETTER, float(label.x[:-1])
            left = at - wide if label.side == "end" else at - wide / 2 if label.side == "middle" else at
            assert all(left >= end or left + wide <= begin for begin, end in spans[label.row]), minutes
            spans[label.row].append((left, left + wide))


def test_trends_start_at_zero_and_one_backup_is_none():
    points = [(NOW - timedelta(hours=6 * n), 400.0 * 1024**2) for n in range(3, 0, -1)]
    trend = drawing.sizes(points, 100 * 1024**2)
    assert (trend.levels[0].text, trend.levels[0].y) == ("0", "100.00%")
    assert trend.limit.text == "least accepted 100 MiB"
    assert trend.last == "400 MiB"
    assert drawing.sizes(points[:1], 0) is None
    assert drawing.durations([]) is None


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("0 */6 * * *", "every 6 hours at minute 0"),
        ("30 2 * * *", "every day at 02:30"),
        ("0 6,18 * * *", "every day at 06:00 and 18:00"),
        ("15 * * * *", "every hour at minute 15"),
        ("0 1 * * 1-5", "at 01:00 on Monday to Friday"),
        ("0 1 * * 0", "at 01:00 on Sunday"),
        ("0 1 1 * *", "at 01:00 on day 1 of each month"),
        ("*/20 * * * *", "every 20 minutes"),
        ("0 1 * 3 *", "at the times of the cron expression 0 1 * 3 *"),
        ("0 1 * * MON#1", "at the times of the cron expression 0 1 * * MON#1"),
        ("nonsense", "nonsense"),
    ],
)
def test_a_schedule_in_words(cron, words):
    assert spoken(cron) == words
