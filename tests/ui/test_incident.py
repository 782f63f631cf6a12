"""The incident page: its clock without script, its hosts, its lines; and the calm overview beside it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.db import connection
from django.db.models import F, Max
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inventory.models import Host, Look, Transition
from inventory.services.pages_changes import together
from inventory.verdicts.incident_phases import Phase, State
from inventory.views.incident import face
from inventory.views.phase_bar import bar
from tests.ui import world

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def text(page: str) -> str:
    main = page[page.index("<main") : page.index("</main>")]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main))


@pytest.fixture
def lost(reader):
    """The overview 100 s after kvm01 fell silent."""
    world.build("lost")
    return reader.get("/").content.decode()


def test_the_clock_is_right_without_script(lost):
    began = re.search(r'<time datetime="([^"]+)" data-face>(\d\d):(\d\d)</time>', lost)
    assert began is not None
    shown = int(began[2]) * 60 + int(began[3])
    since = (timezone.now() - datetime.fromisoformat(began[1])).total_seconds()
    assert 0 <= since - shown < 5
    assert "since the last answer of kvm01" in text(lost)
    assert "by the portal's own clock" in text(lost).replace("&#x27;", "'")


def test_it_says_who_is_lost_and_what_stale_values_are(lost):
    said = text(lost)
    assert "kvm01 lost, engine failing over to kvm02" in said
    assert "whether oradb02 is stopped is not known" in said or "oradb" in said
    assert "EngineUp, 3400 (stale, not used)" in said
    assert "false, seen by kvm02" in said
    assert "no answer, asked every" in said
    assert "32 of 32 active" in said


def test_it_lists_what_to_do_with_the_command_to_copy(lost):
    acts = lost[lost.index("What to do now") : lost.index("</ol>", lost.index("What to do now"))]
    assert "Wait until" in acts
    assert "Call the data centre about kvm01." in acts
    assert "hosted-engine --vm-start" in acts
    assert "--force" not in acts


def test_no_objective_is_invented(lost):
    assert "objective" not in lost


def test_the_worst_tiles_come_first(lost):
    tiles = re.findall(r'<section class="tile (\w+)">', lost)
    assert tiles[0] == "running"
    assert len(tiles) == 6
    assert "Not yet" in text(lost)


def test_lines_are_the_last_ten_minutes_with_their_source(lost):
    lines = lost[lost.index('role="log"') :]
    lines = lines[: lines.index("</ol>")]
    assert '<span class="source">portal</span>' in lines
    assert '<span class="source">kvm02</span>' in lines
    assert re.search(r"kvm01: \d+ checks not known", lines)
    assert lines.count("<li>") < Transition.objects.exclude(from_outcome="").count() / 3


def test_a_calm_estate_has_no_incident(reader):
    world.build("healthy")
    page = reader.get("/").content.decode()
    assert "data-face" not in page
    assert "Latest changes of state" in page


def test_looks_that_stopped_are_no_incident(reader):
    engine = world.build("lost")
    world.age_all(engine)
    assert "data-face" not in reader.get("/").content.decode()


@pytest.mark.parametrize("hosts", [2, pytest.param(60, marks=pytest.mark.matrix)])
def test_an_incident_needs_no_more_queries(hosts, reader):
    world.build("lost", hosts)
    reader.get("/")
    # making 60 hosts takes longer on a busy machine than a look may be old
    newest = Look.objects.aggregate(newest=Max("at"))["newest"]
    Look.objects.update(at=F("at") + (timezone.now() - newest))
    with CaptureQueriesContext(connection) as queries:
        page = reader.get("/").content.decode()
    assert "data-face" in page
    assert len(queries) <= 10


def test_the_vms_of_a_lost_host_are_named(reader):
    world.build("lost")
    host = Host.objects.get(name="kvm01")
    names = sorted(host.vms.filter(is_engine=False).values_list("name", flat=True))
    assert names
    assert f"{names[0]} must not be started elsewhere" in text(reader.get("/").content.decode())


def test_a_host_that_refuses_the_login_is_not_lost(reader):
    engine = world.build("lost")
    reach = Look.objects.get(host__name="kvm01", probe="ssh")
    reach.findings.filter(check_name="answers").update(outcome="unknown")
    Transition.objects.filter(engine=engine, probe="ssh").delete()
    page = text(reader.get("/").content.decode())
    assert "kvm01 lost" not in page


# --- lines


def row(seconds: float, sentence: str, to: str = "unknown", before: str = "ok", host: int | None = 1, **more):
    return SimpleNamespace(
        at=NOON - timedelta(seconds=seconds),
        host_id=host,
        host_name="kvm01" if host else None,
        probe="multipath",
        check_name="declared",
        subject_kind="lun",
        subject_key=more.pop("key", "wwid1"),
        lun_name="ora_data01",
        from_outcome=before,
        to_outcome=to,
        sentence=sentence,
        capture_sha="ab",
        **more,
    )


def told(rows, most=9):
    return [(one.subject_key, one.checks, one.sentence) for one in together(rows, most)]


def test_one_silence_is_one_line():
    rows = [row(1, "Not known. kvm01 is gone."), row(4, "Not known. kvm01 hangs."), row(5, "Not known. kvm01 is gone.")]
    assert told(rows) == [("kvm01", 3, "3 checks not known: kvm01 is gone.")]
    one = together(rows, 9)[0]
    assert one.capture_sha is None
    assert one.lun_name is None


def test_a_return_is_one_line_and_single_changes_stay():
    rows = [row(1, "32 of 32.", "ok", "unknown"), row(2, "All.", "ok", "unknown"), row(3, "It is up.", "ok", "fail")]
    assert told(rows) == [("kvm01", 2, "2 checks are known and OK again."), ("wwid1", 1, "It is up.")]
    assert together(rows, 9)[1].capture_sha == "ab"


def test_equal_sentences_of_two_hosts_or_two_times_stay_apart():
    rows = [row(1, "Lost.", "fail"), row(2, "Lost.", "fail", host=2), row(3, "Lost.", "fail"), row(90, "Lost.", "fail")]
    assert [count for _, count, _ in told(rows)] == [2, 1, 1]
    assert told(rows)[0][2] == "2 checks: Lost."


def test_no_more_lines_than_asked_for_yet_the_last_is_whole():
    rows = [row(1, "A", "fail"), row(2, "B", "fail"), row(3, "C", "fail"), row(4, "B", "fail"), row(99, "B", "fail")]
    assert told(rows, 2) == [("wwid1", 1, "A"), ("kvm01", 2, "2 checks: B")]


def test_an_engines_lines_name_the_engine():
    rows = [row(1, "X", "fail", host=None, key="olvm"), row(2, "X", "fail", host=None, key="olvm")]
    assert told(rows) == [("olvm", 2, "2 checks: X")]


# --- the bar

DONE = Phase("kvm01 declared dead after 74 s", State.DONE, 0.0, 74.0, 50.0, "", True)
LEASE = Phase("waits for the VM lease", State.RUNNING, 74.0, 163.0, 120.0, "lease free by 2 min 43 s")
BOOT = Phase("guest boot and engine start", State.EXPECTED, 163.0, None, None, "HA's limit 11 min 14 s")


def test_the_present_is_solid_and_the_rest_is_dashed():
    drawn = bar([DONE, LEASE, BOOT], 102.0)
    first, now, last = drawn.segments
    assert (first.x, first.past, first.ahead) == ("0.00%", "20.56%", "0.00%")
    assert (now.x, now.past, now.ahead_x, now.end) == ("20.56%", "7.78%", "28.33%", "45.28%")
    assert last.open
    assert last.past == "0.00%"
    assert now.above == "waits for the VM lease"
    assert last.inside == "guest boot and engine start, HA's limit 11 min 14 s"
    assert drawn.now == "28.33%"
    assert [label.text for label in drawn.labels] == ["lease free by 2 min 43 s"]
    assert [tick.text for tick in drawn.ticks] == ["0 min", "1 min", "2 min", "3 min", "4 min", "5 min", "6 min"]


def test_an_overdue_phase_runs_on_to_now():
    drawn = bar([LEASE], 200.0)
    assert drawn.segments[0].past == "35.00%"
    assert drawn.segments[0].ahead == "0.00%"


def test_words_that_meet_stand_in_two_rows_and_never_leave_the_sheet():
    drawn = bar([LEASE, Phase("x", State.EXPECTED, 163.0, 170.0, None, "something else soon")], 160.0)
    assert [label.row for label in drawn.labels] == [1, 0] or [label.row for label in drawn.labels] == [1, 1]
    late = bar([Phase("y", State.EXPECTED, 300.0, 355.0, None, "a sentence that is long")], 10.0)
    assert late.labels[0].side == "end"


def test_names_without_room_are_told_in_the_list():
    short = Phase("a name that has no room at all", State.DONE, 0.0, 5.0)
    drawn = bar([short, BOOT], 200.0)
    assert drawn.crowded
    assert drawn.items[0][1] == "from 0 s to about 5 s"


@pytest.mark.parametrize(("at", "side"), [(2.0, ""), (100.0, "middle"), (3000.0, "middle")])
def test_the_axis_holds_now(at, side):
    drawn = bar([DONE], at)
    assert drawn.now_side == side
    assert float(drawn.now.rstrip("%")) < 100
    assert len(drawn.ticks) <= 10


def test_the_face_of_the_clock():
    assert [face(each) for each in (0, 102.9, 3599, 3723)] == ["00:00", "01:42", "59:59", "1:02:03"]
