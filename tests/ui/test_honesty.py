"""Unknown is never green: in titles, tiles, strips, tables and marks."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from inventory.models import Host, Look, Lun, Transition
from inventory.services.pages_history import Changed, known_from, stretches
from inventory.views import frame
from portal.kernel.outcome import Outcome
from tests.ui import world

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
CHECK = ("probe", "check", "host", "kvm01", 1)


def at(hours: float) -> datetime:
    return NOON - timedelta(hours=hours)


def states(found):
    return [(state, round((end - begin).total_seconds() / 3600, 1)) for begin, end, state, _ in found]


def test_a_check_that_never_moved_stands_all_day():
    found = stretches(NOON, [("a", CHECK, Outcome.OK)], [])
    assert states(found["a"]) == [("ok", 24.0)]


def test_a_stretch_begins_and_ends_with_its_transitions():
    moves = [Changed(at(6), "a", CHECK, "ok", "fail"), Changed(at(2), "a", CHECK, "fail", "ok")]
    assert states(stretches(NOON, [("a", CHECK, Outcome.OK)], moves)["a"]) == [("ok", 18.0), ("fail", 4.0), ("ok", 2.0)]


def test_the_worst_check_is_what_the_strip_shows():
    other = ("probe", "other", "host", "kvm01", 1)
    moves = [Changed(at(8), "a", CHECK, "ok", "warn"), Changed(at(4), "a", other, "ok", "unknown")]
    standing = [("a", CHECK, Outcome.WARN), ("a", other, Outcome.UNKNOWN)]
    assert states(stretches(NOON, standing, moves)["a"]) == [("ok", 16.0), ("warn", 4.0), ("unknown", 4.0)]


def test_before_its_first_finding_a_subject_has_no_state():
    moves = [Changed(at(3), "a", CHECK, "", "ok")]
    assert states(stretches(NOON, [("a", CHECK, Outcome.OK)], moves)["a"]) == [("blank", 21.0), ("ok", 3.0)]


def test_a_check_that_is_gone_says_nothing_any_more():
    other = ("probe", "other", "host", "kvm01", 1)
    moves = [Changed(at(3), "a", other, "fail", "unknown")]
    assert states(stretches(NOON, [("a", CHECK, Outcome.OK)], moves)["a"]) == [("fail", 21.0), ("ok", 3.0)]


def test_what_was_not_read_is_left_blank():
    whole = stretches(NOON, [("a", CHECK, Outcome.OK)], [])["a"]
    assert states(known_from(whole, at(5))) == [("blank", 19.0), ("ok", 5.0)]


def strips_of(page: str) -> dict[str, list[str]]:
    """Subject -> the classes of its blocks, in order."""
    found = {}
    for item in re.findall(r'<span class="name">(.*?)</svg>', page, re.S):
        name = re.sub(r"<[^>]+>", "", item.split("</span>")[0]).strip()
        found[name] = re.findall(r'class="(ok|warn|fail|unknown|blank)[ "]', item)
    return found


def test_luns_have_no_state_before_the_first_of_them_was_seen(reader):
    world.build("calm", 3)  # its first looks are 23 hours old
    row = next(row for row, _ in reader.get("/").context["strips"] if row.name == "LUN paths")
    first = Transition.objects.filter(subject_kind="lun").earliest("at").at
    assert [(end, state) for _, end, state, _ in row.stretches[:1]] == [(first, "blank")]
    assert row.stretches[1][2] == "ok"


@pytest.mark.parametrize("scene", ["empty", "new"])
def test_nothing_looked_at_shows_no_green_at_all(scene, reader):
    world.build(scene)
    page = reader.get("/").content.decode()
    assert strips_of(page) == {}
    assert page.count('<section class="tile unknown">') == 6
    assert "tile ok" not in page


def test_stale_looks_turn_everything_unknown(reader):
    engine = world.build("healthy")
    assert strips_of(reader.get("/").content.decode())["kvm01"][-1] == "ok"
    world.age_all(engine)
    page = reader.get("/").content.decode()
    assert {name: blocks[-1] for name, blocks in strips_of(page).items()} == dict.fromkeys(
        ("kvm01", "kvm02", "Engine", "LUN paths"), "unknown"
    )
    assert "tile ok" not in page
    lun = Lun.objects.get(name="ora_data02")
    host = Host.objects.get(name="kvm01")
    for path in ("/engine/", "/hosts/", "/luns/", f"/luns/{lun.pk}/", f"/hosts/{host.pk}/"):
        text = main_of(reader.get(path).content.decode()).split("Changes of state")[0]
        assert 'class="state ok"' not in text, path
        assert "mark-active" not in text.replace('<rect class="mark-active" x="3"', ""), path


def main_of(page: str) -> str:
    return page[page.index("<main") : page.index("</main>")]


def test_many_unknown_hosts_do_not_hide_the_first_two(reader):
    engine = world.build("healthy", 60)
    world.age_all(engine)
    page = reader.get("/").content.decode()
    assert strips_of(page)["kvm01"][-1] == "unknown"
    assert strips_of(page)["LUN paths"][-1] == "unknown"


def test_an_incident_says_what_is_not_known(reader):
    world.build("lost")
    overview = reader.get("/").content.decode()
    assert "kvm01 lost, engine failing over to kvm02" in overview
    assert "Failing over" in overview
    engine = reader.get("/engine/").content.decode()
    assert "Not answering" in engine
    assert "(stale, not used)" in engine
    luns = reader.get("/luns/").content.decode()
    assert "32 of 64 declared paths active, 32 not known" in luns


def test_a_score_of_a_host_that_does_not_answer_is_not_shown_as_of_now(reader):
    world.build("lost")
    page = reader.get("/engine/").content.decode()
    assert "last published 3400" in page
    assert page.count("<b>3400</b>") == 1


def test_a_look_that_failed_says_why_and_keeps_its_raw_output_apart(reader):
    world.build("lost")
    look = Look.objects.get(host__name="kvm01", probe="multipath")
    page = reader.get(f"/looks/{look.pk}/").content.decode()
    assert "no route to host" in page
    assert "no answer" in page
    assert 'class="state ok"' not in main_of(page).split("Changes of state")[0]


def test_stdout_and_stderr_stand_apart_and_are_escaped(reader):
    engine = world.build("healthy")
    look = engine.looks.get(host__name="kvm01", probe="multipath")
    look.sections = {
        "maps": {"asked": ["sh", "-c", "x y"], "exit_code": 3, "stdout": "<b>&", "stderr": "bad", "took": 0.1},
        "bytes": {"asked": ["cat"], "exit_code": None, "stdout": {"base64": "/w=="}, "stderr": ""},
    }
    look.save(update_fields=["sections"])
    page = reader.get(f"/looks/{look.pk}/").content.decode()
    assert "&lt;b&gt;&amp;" in page
    assert "exit code 3" in page
    assert "the end was not seen" in page
    assert "not UTF-8" in page
    assert reader.get(f"/looks/{look.pk}/raw/bytes/stdout/").content == b"\xff"
    assert reader.get(f"/looks/{look.pk}/raw/maps/stdout/").headers["Content-Disposition"].startswith("attachment")
    assert reader.get(f"/looks/{look.pk}/raw/maps/exit_code/").status_code == 404
    assert reader.get(f"/looks/{look.pk}/raw/none/stdout/").status_code == 404


def test_the_banner_says_that_looking_has_stopped(reader):
    engine = world.build("healthy")
    Look.objects.filter(engine=engine).update(at=timezone.now() - timedelta(minutes=3))
    assert "start the looks worker and beat" in reader.get("/").content.decode()


def test_who_has_no_role_learns_nothing_from_the_header(reader):
    engine = world.build("lost")
    Look.objects.filter(engine=engine).update(at=timezone.now() - timedelta(minutes=3))
    stranger = Client()
    stranger.force_login(User.objects.create_user("stranger"), backend="portal.access.backend.PeopleBackend")
    for path in ("/", "/preferences/"):
        page = stranger.get(path).content.decode()
        assert "stranger" in page
        assert "start the looks worker and beat" not in page
        assert not any(words in page for words in frame.WORDS.values())
    assert any(words in reader.get("/").content.decode() for words in frame.WORDS.values())
