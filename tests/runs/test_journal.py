"""Lines: what a command prints arrives whole, in order, once, readable and without secrets."""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from portal.kernel.secret import Secret
from portal.runs import journal
from portal.runs.models import RunLine
from tests.fixtures_runs import drive, mark, sh


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("login with tiger-2026 ok", "login with *** ok"),
        ("password=abc rest", "password=*** rest"),
        ("Password: 'abc' rest", "Password: '***' rest"),
        ('"api_key": "abc123",', '"api_key": "***",'),
        ("tool --token abc --verbose", "tool --token *** --verbose"),
        ("Authorization: Bearer eyJh.b-c", "Authorization: Bearer ***"),
        ("no token found, password unchanged", "no token found, password unchanged"),
        ("key line two", "key ***"),
    ],
)
def test_secrets_become_stars(text, expected):
    assert (
        journal.masked(text, [Secret("tiger-2026"), Secret("short"), Secret("line one\nline two"), Secret("")])
        == expected
    )


def lines(run, stream="out"):
    return list(RunLine.objects.filter(run=run, stream=stream).order_by("number").values_list("text", flat=True))


@pytest.mark.django_db(transaction=True)
def test_more_than_one_piece_of_output_arrives_whole(begin):
    said = "of a command that has very much to say to people"
    text = f'i=0; while [ $i -lt 9000 ]; do echo "line $i {said}"; i=$((i+1)); done'
    run = drive(begin(mark("one", act=lambda parameters: (sh(f"{text}; printf end; : >one"),))))
    assert run.status == "succeeded"
    told = lines(run)
    assert told == [f"line {n} {said}" for n in range(9000)] + ["end"]


@pytest.mark.django_db(transaction=True)
def test_output_that_is_no_text_is_made_readable(begin):
    act = "printf 'a\\0b \\377 \\033[31mred\\033[0m\\r\\n\\n50%%\\r100%%\\n'; : >one"
    run = drive(begin(mark("one", act=lambda parameters: (sh(act),))))
    assert lines(run) == ["a\ufffdb \ufffd red", "50%\r100%"]


@pytest.mark.django_db(transaction=True)
def test_a_flood_is_cut_with_a_word(begin, monkeypatch):
    from portal.runs import drive as driving

    monkeypatch.setattr(driving, "MOST_OUTPUT", 100_000)
    act = "yes $(printf %0300d 1) | head -c 900000; : >one"
    run = drive(begin(mark("one", act=lambda parameters: (sh(act),))))
    assert run.status == "succeeded"
    assert "The output is longer than 100,000 bytes; the rest is not read." in lines(run, "note")
    assert sum(len(line) for line in lines(run)) < 400_000


@pytest.mark.django_db(transaction=True)
def test_the_live_channel_hears_of_it_on_commit(begin):
    run = begin(mark("one"))
    with connection.cursor() as cursor:
        cursor.execute("listen holdfast")
    with transaction.atomic():
        journal.write(run.pk, None, [journal.Entry("Hello.")])
        assert _heard() == []
    assert _heard() == [f"run:{run.pk}"]


def _heard():
    return [notice.payload for notice in connection.connection.notifies(timeout=0.2, stop_after=1)]
