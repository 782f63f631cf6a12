"""The SMTP connector against a real server: TLS, login, refusals, silence; no password in what it says."""

from __future__ import annotations

import socket
import time
from email.utils import parsedate_to_datetime

import pytest

from lab.smtp import Catcher
from lab.tls import identity
from portal.connectors.mail import File, MailFailed, MailRefused, MailServer, Message, send, server_of

pytestmark = pytest.mark.wire
NOTE = Message("<1@holdfast>", "anna@bank.example", "Drill\nsoon", "It may begin at 22:00.\n.dot\nÄ")
SENDER = "holdfast@bank.example"


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    """The server's context, and the path of the CA for the client."""
    folder = tmp_path_factory.mktemp("tls")
    made = identity(folder)
    (folder / "trusted.pem").write_text(made.ca_pem)
    return made.context, str(folder / "trusted.pem")


@pytest.fixture
def catcher():
    made = Catcher().start()
    yield made
    made.stop()


def plain(made, **given):
    return MailServer("smtp", "127.0.0.1", made.port, SENDER, **given)


def test_a_message_arrives_whole(catcher):
    send(plain(catcher), NOTE)
    (got,) = catcher.messages
    assert (got["From"], got["To"], got["Subject"]) == (SENDER, "anna@bank.example", "Drill soon")
    assert (got["Message-ID"], got["Auto-Submitted"]) == ("<1@holdfast>", "auto-generated")
    assert got.get_content().splitlines() == ["It may begin at 22:00.", ".dot", "Ä"]
    assert abs(parsedate_to_datetime(got["Date"]).timestamp() - time.time()) < 60, "RFC 5322 3.6 wants a date"
    raw = got.as_bytes()
    assert raw.isascii(), "eight bits need 8BITMIME, which is not asked for (RFC 6152)"
    assert max(map(len, raw.splitlines())) <= 998


def test_long_lines_and_names_in_other_scripts_keep_to_seven_bits(catcher):
    files = (File("Prüfung №1.pdf", "application/pdf", b"\xff\0"),)
    send(plain(catcher), Message("<2@holdfast>", "anna@bank.example", "Übung " * 40, "x" * 3000 + "\nÄ", files))
    (got,) = catcher.messages
    raw = got.as_bytes()
    assert (raw.isascii(), max(map(len, raw.splitlines())) <= 998) == (True, True)
    assert got.get_body().get_content().splitlines() == ["x" * 3000, "Ä"]
    assert [one.get_filename() for one in got.iter_attachments()] == ["Prüfung №1.pdf"]


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        ("refuse", MailRefused, "says 550: no such mailbox"),
        ("defer", MailFailed, "says 451: try again later"),
        ("cut", MailFailed, "the connection ended"),
        ("deaf", MailFailed, "it did not answer in time"),
    ],
)
def test_what_the_server_does_not_take_is_said(catcher, fault, kind, words):
    catcher.fault = fault
    with pytest.raises(MailFailed, match=words) as caught:
        send(plain(catcher), NOTE, timeout=1)
    assert type(caught.value) is kind


@pytest.mark.matrix
def test_a_slow_server_is_waited_for(catcher):
    catcher.fault = "slow"
    send(plain(catcher), NOTE, timeout=30)
    assert len(catcher.messages) == 1


def test_nobody_listens():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(MailFailed, match="nothing listens at its address"):
        send(MailServer("smtp", "127.0.0.1", port, SENDER), NOTE)


@pytest.mark.parametrize("kind", ["smtps", "smtp+starttls"])
def test_over_tls_with_a_login(tls, kind):
    context, ca = tls
    made = Catcher(login="ops:p w", tls=context, implicit=kind == "smtps").start()
    try:
        right = MailServer(kind, "localhost", made.port, SENDER, "ops", "p w", ca)
        send(right, NOTE)
        with pytest.raises(MailFailed, match="refuses the portal's login") as caught:
            send(MailServer(kind, "localhost", made.port, SENDER, "ops", "wrong-secret", ca), NOTE)
        assert "wrong-secret" not in str(caught.value)
        with pytest.raises(MailFailed, match="its certificate does not verify"):
            send(MailServer(kind, "localhost", made.port, SENDER, "ops", "p w"), NOTE)
        assert len(made.messages) == 1
    finally:
        made.stop()


def test_starttls_is_not_done_without(catcher):
    with pytest.raises(MailFailed, match="does not offer what the portal needs"):
        send(MailServer("smtp+starttls", "127.0.0.1", catcher.port, SENDER), NOTE)
    assert catcher.messages == []


def test_the_url_says_where_and_how():
    found = server_of("smtps://ops%40bank:p%20w@mail.bank.example?from=h@bank.example&ca=/etc/ca.pem")
    assert (found.kind, found.host, found.port) == ("smtps", "mail.bank.example", 465)
    assert (found.user, found.password, found.ca, found.sender) == ("ops@bank", "p w", "/etc/ca.pem", "h@bank.example")
    assert "p w" not in repr(found)
    assert found.shown == "mail.bank.example:465 over TLS"
    assert server_of("smtp+starttls://m?from=h@b").port == 587
    assert server_of("smtp://127.0.0.1:2525?from=h@b").port == 2525
    assert server_of("smtp://m?from=h@b&clear=yes").port == 25


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://m?from=h@b", "begins with smtps"),
        ("smtps://?from=h@b", "begins with smtps"),
        ("smtps://secret@m", "names no sender"),
        ("smtps://m?from=h@b%0d%0aX:", "names no sender"),
        ("smtp://m?from=h@b", "sends in the clear"),
        ("smtps://m:notaport?from=h@b", "cannot be read"),
    ],
)
def test_a_url_that_is_none_is_refused_without_quoting_it(url, words):
    with pytest.raises(ValueError, match=words) as caught:
        server_of(url)
    assert "secret" not in str(caught.value)


def test_files_arrive_as_they_were(catcher):
    note = Message(
        "<2@holdfast>",
        "anna@bank.example",
        "Report",
        "It is attached.",
        (File("a.pdf", "application/pdf", b"%PDF\0x"),),
    )
    send(plain(catcher), note)
    (got,) = catcher.messages
    (part,) = got.iter_attachments()
    assert (part.get_filename(), part.get_content_type(), part.get_content()) == (
        "a.pdf",
        "application/pdf",
        b"%PDF\0x",
    )
    assert got.get_body().get_content().strip() == "It is attached."
