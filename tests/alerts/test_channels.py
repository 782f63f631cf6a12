"""The channels against real listeners: what arrives, what every fault comes to, and that no secret is told."""

from __future__ import annotations

import socket
import ssl
import time

import pytest

from lab.syslog import Collector
from lab.tls import identity
from lab.webhook import Listener
from portal.connectors import chat, syslog, webhook
from portal.connectors.change.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, BadSignature, verify
from portal.connectors.chat import Line, Note
from portal.connectors.delivery import DeliveryFailed, DeliveryRefused, Place, host_of, pinned_key, plain, post, problem
from portal.kernel.secret import Secret
from tests.alerts.test_alert_words import line

pytestmark = pytest.mark.wire
KEY, OLD = Secret("new key of 16 letters"), Secret("old key of 16 letters")
NOTE = Note("critical", "ora_data02: it fails", [Line("critical", "it fails", "lun ora_data02")])


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    return identity(tmp_path_factory.mktemp("tls")), identity(tmp_path_factory.mktemp("other"))


@pytest.fixture
def listener():
    made = Listener().start()
    yield made
    made.stop()


def place(made, **more):
    return Place("The bank's bus", Secret(made.url), **more)


def test_a_signed_document_arrives_and_both_keys_prove_it(listener):
    at = int(time.time())
    webhook.send(place(listener), [KEY, OLD], "one@holdfast", {"event": "alert.opened", "words": "ä"}, at)
    (one,) = listener.heard
    assert one.document == {"event": "alert.opened", "words": "ä"}
    assert one.headers["x-holdfast-id"] == "one@holdfast"
    stamp, mark = one.headers[TIMESTAMP_HEADER.lower()], one.headers[SIGNATURE_HEADER.lower()]
    for key in (KEY, OLD):
        assert verify([key], stamp, mark, one.body, at).at == at
    with pytest.raises(BadSignature):
        verify([KEY], stamp, mark, one.body + b" ", at)
    with pytest.raises(BadSignature):
        verify([Secret("another key of 16 letters")], stamp, mark, one.body, at)


def test_without_a_key_nothing_is_sent(listener):
    for keys in ([], [Secret("")], [Secret("too short")]):
        with pytest.raises(DeliveryRefused, match="no signing key"):
            webhook.send(place(listener), keys, "x", {}, 0)
    assert listener.asked == 0


@pytest.mark.parametrize(
    ("fault", "kind", "words", "wait"),
    [
        ("refuse", DeliveryRefused, "answers HTTP 400: not now", 0),
        ("down", DeliveryFailed, "answers HTTP 503: not now", 0),
        ("busy", DeliveryFailed, "answers HTTP 429: not now", 7),
        ("moved", DeliveryRefused, "a redirect, which is not followed", 0),
        ("reset", DeliveryFailed, "the connection broke", 0),
        ("deaf", DeliveryFailed, "it did not answer in time", 0),
    ],
)
def test_what_is_not_taken_is_said_without_the_address(listener, fault, kind, words, wait):
    listener.fault = fault
    with pytest.raises(DeliveryFailed, match=words) as caught:
        post(place(listener), b"{}", {}, timeout=1.0 if fault == "deaf" else 20.0)
    assert type(caught.value) is kind
    assert caught.value.wait == wait
    assert "secret-word" not in str(caught.value)
    assert str(caught.value).startswith("The bank's bus ")


@pytest.mark.parametrize(
    ("given", "least", "most"),
    [("0", 0, 0), ("999999", 3600, 3600), ("soon", 0, 0), ("-5", 0, 0), ("Fri, 31 Dec 2100 23:59:59 GMT", 3600, 3600),
     ("Fri, 31 Dec 1999 23:59:59 GMT", 0, 0)],
)  # fmt: skip
def test_how_long_somebody_asks_to_be_left_alone(listener, given, least, most):
    listener.fault, listener.retry_after = "busy", given
    with pytest.raises(DeliveryFailed) as caught:
        post(place(listener), b"{}", {})
    assert least <= caught.value.wait <= most


def test_a_slow_listener_is_waited_for_and_a_flood_is_not_read(listener):
    listener.fault = "slow"
    assert post(place(listener), b"{}", {}).body == b"ok"
    listener.fault, listener.answer = "", "x" * 200_000
    assert post(place(listener), b"{}", {}).status == 200
    assert len(listener.heard) == 2


def test_nobody_listens():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/secret-word"
    with pytest.raises(DeliveryFailed, match="nothing listens at its address"):
        post(Place("Bus", Secret(url)), b"{}", {})


def test_a_certificate_verifies_by_its_ca_or_by_its_pin(tls):
    mine, other = tls
    made = Listener(tls=mine.context).start()
    try:
        leaf = mine.certificate_pem
        post(place(made, ca_pem=mine.ca_pem), b"{}", {})
        post(place(made, pin_pem=leaf), b"{}", {})
        for wrong in ({}, {"ca_pem": other.ca_pem}):
            with pytest.raises(DeliveryFailed, match="its certificate does not verify"):
                post(place(made, **wrong), b"{}", {})
        with pytest.raises(DeliveryFailed, match="not the pinned one"):
            post(place(made, pin_pem=other.ca_pem), b"{}", {})
        with pytest.raises(DeliveryRefused, match="cannot be read"):
            post(place(made, pin_pem="none"), b"{}", {})
        assert len(made.heard) == 2
        assert pinned_key(leaf).startswith("sha256//")
    finally:
        made.stop()


@pytest.mark.parametrize("kind", [chat.SLACK, chat.TEAMS])
def test_a_room_takes_a_note(listener, kind):
    chat.send(kind, place(listener), NOTE)
    assert "it fails" in listener.heard[0].body.decode()


def test_a_connector_that_says_200_and_did_not_deliver_did_not(listener):
    listener.fault = "teams"
    with pytest.raises(DeliveryFailed, match="the room behind it did not"):
        chat.send(chat.TEAMS, place(listener), NOTE)


@pytest.mark.parametrize("kind", [chat.SLACK, chat.TEAMS])
def test_a_note_is_no_larger_than_a_room_takes(listener, kind):
    long = Line("critical", "\u0639" * 2000, "lun ora_data02")  # two bytes each
    chat.send(kind, place(listener), Note("critical", "a lost site", [long] * 30, 5))
    body = listener.heard[0].body
    assert len(body) <= chat.LARGEST
    shown = body.decode().count("lun ora_data02")
    assert 1 <= shown < chat.LINES
    assert f"and {35 - shown} more" in body.decode()
    listener.heard.clear()
    chat.send(kind, place(listener), Note("critical", "headline", [Line("critical", "x", "lun a")] * 30))
    assert "and 10 more" in listener.heard[0].body.decode()


@pytest.mark.parametrize(
    ("answer", "words"),
    [('{"ok": false, "error": "channel_is_archived"}', "channel_is_archived"), ('{"success": false}', "success"),
     ('{"error": {"code": "BadRequest"}}', "BadRequest"), ("<!DOCTYPE html><title>Log in</title>", "with a page")],
)  # fmt: skip
@pytest.mark.parametrize("kind", [chat.SLACK, chat.TEAMS])
def test_a_refusal_behind_a_200_is_one(listener, kind, answer, words):
    listener.answer = answer
    with pytest.raises(DeliveryFailed, match=words):
        chat.send(kind, place(listener), NOTE)


@pytest.mark.parametrize("answer", ["ok", "1", "", '{"ok": true}', '{"success": true}', '{"error": null}', "[1]", "{"])
def test_what_rooms_say_when_they_have_taken_it(listener, answer):
    listener.answer = answer
    chat.send(chat.SLACK, place(listener), NOTE)
    assert len(listener.heard) == 1


def test_an_answer_that_says_the_address_back_is_quoted_without_it(listener):
    listener.fault = "refuse"
    listener.refusal = f"No route for {listener.url}: Hook/SECRET-WORD is unknown"
    with pytest.raises(DeliveryRefused, match=r"HTTP 400: No route for \*\*\*: Hook/\*\*\* is unknown"):
        post(place(listener), b"{}", {})
    listener.fault = ""
    listener.answer = "Webhook message delivery failed at /hook/secret-word"
    with pytest.raises(DeliveryFailed, match=r"delivery failed at \*\*\*$"):
        chat.send(chat.TEAMS, place(listener), NOTE)


def test_no_part_of_an_address_that_may_be_a_secret_is_left_in_an_answer():
    to = Place("Bus", Secret("https://bus.bank.example/a/T0123/ab%2Fcdefgh?sig=tokentoken&v=1"))
    said = b"bad\n sig tokentoken of ab/cdefgh, v=1; ab%2Fcdefgh; sig=tokentoken&v=1; T0123 at bus.bank.example"
    assert plain(said, to) == "bad sig *** of ***, v=1; ***; ***; T0123 at bus.bank.example"
    assert plain(b"said", Place("Bus", Secret(""))) == "said"


@pytest.mark.parametrize(
    ("url", "words"),
    [("ftp://x/", "no https"), ("https://", "no https"), ("https://x:y/", "cannot be read"),
     ("https://x/#a", "holds signs"),
     ("https://x/ü", "holds signs"), ("https://x/a b", "holds signs"), ("http://bus.bank.example/", "in the clear"),
     ("https://bus.bank.example:8443/a?b=c", ""), ("http://127.0.0.1:9/", "")],
)  # fmt: skip
def test_addresses_of_webhooks(url, words):
    assert (words in problem(url)) if words else problem(url) == ""
    with pytest.raises(DeliveryRefused) if words else pytest.raises(DeliveryFailed):
        post(Place("Bus", Secret(url if words else "http://127.0.0.1:9/")), b"{}", {})
    assert host_of("https://bus.bank.example:8443/secret") == "bus.bank.example"
    assert host_of("https://[x") == ""


def server(made, transport, **more):
    host, port = syslog.split(made.address)
    return syslog.Server("The SIEM", host, port, transport, **more)


def heard(made, number=1, seconds=60):
    deadline = time.monotonic() + seconds
    while len(made.lines) < number and time.monotonic() < deadline:
        time.sleep(0.01)
    assert made.malformed == []
    return made.lines


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_a_line_arrives(transport):
    made = Collector(transport).start()
    try:
        syslog.send(server(made, transport), line("Ä: it fails."))
        assert [one.text for one in heard(made)] == ["Ä: it fails."]
    finally:
        made.stop()


def test_a_line_over_tls_by_ca_or_pin(tls):
    mine, other = tls
    made = Collector(tls=mine.context).start()
    try:
        leaf = mine.certificate_pem
        syslog.send(server(made, "tls", ca_pem=mine.ca_pem), line())
        syslog.send(server(made, "tls", pin_pem=leaf), line())
        assert len(heard(made, 2)) == 2
        for wrong in ({}, {"ca_pem": other.ca_pem}):
            with pytest.raises(DeliveryFailed, match="certificate does not verify"):
                syslog.send(server(made, "tls", **wrong), line())
        with pytest.raises(DeliveryFailed, match="not the pinned one"):
            syslog.send(server(made, "tls", pin_pem=other.ca_pem), line())
        with pytest.raises(DeliveryRefused, match="cannot be read"):
            syslog.send(server(made, "tls", pin_pem="none"), line())
        assert len(made.lines) == 2
    finally:
        made.stop()


def test_a_connection_that_breaks_is_not_taken_for_a_delivery(monkeypatch):
    monkeypatch.setattr(syslog, "GOODBYE", 0.3)
    made = Collector(fault="reset").start()
    try:
        with pytest.raises(DeliveryFailed, match="the connection was reset"):
            syslog.send(server(made, "tcp"), line())
        made.fault = "deaf"  # kept open: nobody can know more
        syslog.send(server(made, "tcp"), line())
    finally:
        made.stop()


def test_a_server_whose_machine_has_not_confirmed_it_has_not_taken_it(monkeypatch):
    """As when a cable is pulled after the connection was made: nothing is reset, and nothing is heard."""
    monkeypatch.setattr(syslog, "GOODBYE", 0.3)
    with socket.socket() as full:
        full.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)  # the kernel makes it its least
        full.bind(("127.0.0.1", 0))
        full.listen()
        to = syslog.Server("The SIEM", "127.0.0.1", full.getsockname()[1], "tcp")
        with pytest.raises(DeliveryFailed, match="did not answer in time"):
            syslog.send(to, line("x" * 8000))


def test_a_server_that_wants_a_certificate_of_the_portal_has_taken_nothing(tmp_path):
    """With TLS 1.3 the refusal comes after the message was sent."""
    strict = identity(tmp_path)
    strict.context.verify_mode = ssl.CERT_REQUIRED
    strict.context.load_verify_locations(cadata=strict.ca_pem)
    made = Collector(tls=strict.context).start()
    try:
        # where the other side ends before all is sent, the system says a reset
        with pytest.raises(DeliveryFailed, match=r"it wants a certificate of the portal|the connection was reset"):
            syslog.send(server(made, "tls", ca_pem=strict.ca_pem), line())
        assert made.lines == []
    finally:
        made.stop()


def test_a_server_that_is_none():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(DeliveryFailed, match="nothing listens at its address"):
        syslog.send(syslog.Server("The SIEM", "127.0.0.1", port, "tcp"), line())
    with socket.socket() as mute:  # plain TCP where TLS is wanted
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        with pytest.raises(DeliveryFailed, match=r"did not answer in time|handshake"):
            syslog.send(syslog.Server("The SIEM", "127.0.0.1", mute.getsockname()[1], "tls"), line(), timeout=0.5)
