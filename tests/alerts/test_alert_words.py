"""What a message says, and what chat rooms and syslog servers make of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from lab.syslog import Malformed, frames, read
from portal.alerts.rules import wording
from portal.alerts.rules.alarm import About, Severity
from portal.alerts.rules.wording import Item
from portal.connectors import chat, syslog
from portal.connectors.chat import Line, Note

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


def item(number=7, what="opened", severity=Severity.CRITICAL, **more):
    about = more.pop("about", About("lun", "ora_data02", "olvm", "PROD"))
    given = {
        "key": f"finding:{number}", "concern": "storage", "sentence": "ora_data02 lost one path of fabric B on kvm02.",
        "since": NOW - timedelta(minutes=12), "url": f"https://holdfast.bank.example/alerts/{number}/", **more,
    }  # fmt: skip
    return Item(number, given.pop("key"), what, severity, given.pop("concern"), about, **given)


def test_one_alert_in_words():
    one = item(repeats=2, by="anna")
    assert wording.subject([one]) == "[critical] ora_data02 lost one path of fabric B on kvm02."
    assert wording.body([one], NOW, "/alerts/").splitlines() == [
        "ora_data02 lost one path of fabric B on kvm02.",
        "critical, storage; lun ora_data02 (olvm, PROD)",
        "Since 26 Nov 2026 11:48:00 UTC, 12 min.",
        "It came back 2 times since it was opened.",
        "Acknowledged by anna.",
        "https://holdfast.bank.example/alerts/7/",
    ]
    other = item(about=About("lun", "ora_redo01"))
    assert wording.subject([other]).startswith("[critical] ora_redo01: ora_data02 lost")
    lone = item(about=About("run", "run 7"), repeats=1)
    assert "run run 7\n" in wording.body([lone], NOW, "")
    assert "came back 1 time since" in wording.body([lone], NOW, "")


@pytest.mark.parametrize(
    ("what", "words"),
    [("escalated", "Nobody has acknowledged: ora"), ("resolved", "Resolved: ora"), ("raised", "Now critical: ora"),
     ("lapsed", "Not acknowledged any more: ora"), ("test", "Test: ora")],
)  # fmt: skip
def test_what_it_is_about_stands_first(what, words):
    assert f"[critical] {words}" in wording.subject([item(what=what)])
    assert wording.document([item(what=what)], NOW)["event"] == f"alert.{what}"


def test_many_alerts_in_one_message():
    many = [item(n, severity=Severity.WARNING) for n in range(70)] + [item(99, "resolved")]
    assert wording.subject(many) == "[critical] 70 alerts, 1 resolved: ora_data02 and 70 more"
    assert wording.subject([item(1, "resolved"), item(2, "resolved")]).startswith("[critical] 2 resolved: ")
    text = wording.body(many, NOW, "https://h/alerts/")
    assert text.rstrip().endswith("And 21 more: https://h/alerts/")
    told = wording.document(many, NOW)
    assert (told["event"], told["count"], len(told["alerts"]), told["severity"]) == ("alert.digest", 71, 50, "critical")
    assert json.loads(json.dumps(told)) == told
    assert len(wording.subject([item(sentence="x" * 400)])) == 200


HOSTILE = "<!channel> & <https://evil|ok> *bold* kvm01"


def test_slack_reads_no_markup_of_its_own_in_a_sentence():
    made = chat.slack(Note("critical", HOSTILE, [Line("warning", HOSTILE, "lun ora", "https://h/alerts/7/")], 3))
    text = json.dumps(made)
    assert "<!channel>" not in text
    assert "<https://evil" not in text
    assert "&lt;!channel&gt; &amp; " in made["text"]
    assert all(one["text"]["verbatim"] for one in made["blocks"])
    assert made["blocks"][1]["text"]["text"].endswith("lun ora <https://h/alerts/7/|Open>")
    assert made["blocks"][-1]["text"]["text"] == "and 3 more"
    long = chat.slack(Note("info", "x", [Line("info", "y" * 9000, "z")] * 60))
    assert max(len(one["text"]["text"]) for one in long["blocks"]) <= 3000
    assert len(long["blocks"]) == 22 <= 50, "Slack takes 50 blocks"
    assert long["blocks"][-1]["text"]["text"] == "and 40 more"


def test_teams_gets_a_card():
    made = chat.card(
        Note("warning", "2 alerts", [Line("warning", "a", "lun ora"), Line("info", "b", "host kvm", "https://h/")], 1)
    )
    (attachment,) = made["attachments"]
    assert made["type"] == "message"
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert [one["inlines"][0]["text"] for one in card["body"]] == [
        "2 alerts",
        "a",
        "lun ora",
        "b",
        "host kvm",
        "and 1 more",
    ]
    assert {one["type"] for one in card["body"]} == {"RichTextBlock"}, "a TextBlock would read markup"
    assert card["actions"][0]["url"] == "https://h/"
    assert "actions" not in chat.card(Note("info", "x", []))["attachments"][0]["content"]
    big = chat.card(Note("info", "x", [Line("info", "y" * 400, "z" * 80)] * 60))
    assert len(json.dumps(big)) < 28 * 1024, "Teams takes 28 KiB"


def line(text="It fails.", **more):
    given = {"facility": 16, "level": 2, "at": NOW, "host": "holdfast.bank.example", "kind": "alert-opened", **more}
    return syslog.Line(text=text, **given)


def test_a_line_of_syslog_is_read_by_somebody_elses_reader():
    told = read(
        syslog.encoded(line("Ä: it fails\n at 12:00", data={"alert": "7", "subject": 'a"b]c\\d', "none": ""}), 8192)
    )
    assert (told.priority, told.at, told.app, told.kind) == (
        130,
        "2026-11-26T12:00:00.000Z",
        "holdfast",
        "alert-opened",
    )
    assert told.text == "Ä: it fails at 12:00"
    assert told.data == '[holdfast@32473 alert="7" subject="a\\"b\\]c\\\\d"]'
    odd = read(syslog.encoded(line(host="", kind="two words", at=NOW.astimezone()), 8192))
    assert (odd.host, odd.kind) == ("-", "twowords")


@pytest.mark.parametrize("most", [100, 200, 480, 1180, 8192])
def test_a_long_line_loses_the_end_of_its_text_and_no_half_sign(most):
    raw = syslog.encoded(line("ü" * 9000), most)
    assert len(raw) <= max(most, 130)
    assert set(read(raw).text) <= {"ü"}


def test_what_is_no_syslog_is_told_apart():
    for raw in (b"", b"<130>2 x", b"<999>1 - - - - - - x", b"12 <130>1 - - - - - - x"):
        with pytest.raises(Malformed):
            read(raw)
    assert frames(b"3 abc2 de") == [b"abc", b"de"]
    for raw in (b"abc", b"5 abc", b"0 "):
        with pytest.raises(Malformed):
            frames(raw)


@pytest.mark.parametrize(
    ("address", "fits"),
    [("siem.bank.example:6514", True), ("10.0.0.1:514", True), ("[fd00::1]:6514", True), ("siem", False),
     (":514", False), ("siem:0", False), ("siem:99999", False), ("siem:x", False), ("si em:514", False),
     ("user@siem:514", False), ("https://siem:514", False), ("siém:514", False)],
)  # fmt: skip
def test_addresses_of_syslog_servers(address, fits):
    assert (syslog.problem(address) == "") is fits
    if fits:
        assert syslog.split(address)[1] == int(address.rpartition(":")[2])
    assert syslog.split("[fd00::1]:6514") == ("fd00::1", 6514)
