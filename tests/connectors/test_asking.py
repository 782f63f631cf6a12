"""What a service that is well, ill, slow, silent or somebody else answers the drill's clock."""

from __future__ import annotations

import socket
import ssl
import time

import pytest

from portal.connectors.asking import ask, problem
from tests.fixtures_services import GOOD, says, served, silent

pytestmark = pytest.mark.wire


@pytest.mark.parametrize(
    ("raw", "words", "up", "why"),
    [
        (GOOD, "DB Up", True, ""),
        (GOOD, "", True, ""),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "", True, ""),
        (GOOD, "DB Down", False, "HTTP 200 without the words"),
        (b"HTTP/1.1 500 Oh\r\nContent-Length: 8\r\n\r\nDB Down!", "DB", False, "HTTP 500"),
        (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", "DB Up", False, "HTTP 503"),
        (
            b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/DB%20Up\r\nContent-Length: 5\r\n\r\nDB Up",
            "DB Up",
            False,
            "HTTP 302, a redirect, which is not followed",
        ),
        (b"SSH-2.0-OpenSSH_8.0\r\n", "", False, "the answer is no HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nDB", "DB Up", False, "the answer breaks off"),
        (b"", "", False, "the connection ends without an answer"),
    ],
)
def test_what_is_answered_over_http(raw, words, up, why):
    with served(says(raw)) as place:
        said = ask(f"http://{place}/health", "http", words)
    assert (said.up, said.why) == (up, why)


def test_a_service_that_hangs_is_given_its_time_and_no_more():
    with served(silent) as place:
        began = time.monotonic()
        said = ask(f"http://{place}/", "http", timeout=0.3)
    assert (said.up, said.why) == (False, "no answer in time")
    assert 0.25 < time.monotonic() - began < 1.5


def test_a_slow_answer_counts_while_it_comes_in_time():
    def slow(link, ended):
        link.recv(4096)
        ended.wait(0.3)
        link.sendall(GOOD)

    with served(slow) as place:
        assert ask(f"http://{place}/", "http", "DB Up", timeout=3).up is True
        assert ask(f"http://{place}/", "http", "DB Up", timeout=0.1).up is False


def test_an_endless_body_ends_the_question():
    def endless(link, ended):
        link.recv(4096)
        link.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while not ended.is_set():
            link.sendall(b"x" * 65536)

    with served(endless) as place:
        assert ask(f"http://{place}/", "http", "DB Up", timeout=5).why == "HTTP 200 without the words"
        assert ask(f"http://{place}/", "http", "", timeout=5).up is True


def test_nobody_there_is_down():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert ask(f"http://127.0.0.1:{port}/", "http").why == "nothing listens there"
    assert ask(f"127.0.0.1:{port}", "tcp").up is False


def test_a_port_that_takes_connections_is_up_though_it_says_nothing():
    with served(silent) as place:
        said = ask(place, "tcp", timeout=1)
    assert (said.up, said.why) == (True, "")


def test_tls_is_verified_and_a_stranger_tells_nothing(engine_identity):
    with served(says(GOOD), engine_identity.context) as place:
        good = ask(f"https://{place}/", "http", "DB Up", engine_identity.ca_pem)
        stranger = ask(f"https://{place}/", "http", "DB Up")
        broken = ask(f"https://{place}/", "http", "DB Up", "no PEM at all")
    assert (good.up, good.why) == (True, "")
    assert (stranger.up, stranger.why) == (None, "its certificate does not verify")
    assert broken.up is None


def test_https_asked_of_a_port_without_tls_is_down():
    with served(says(GOOD)) as place:
        said = ask(f"https://{place}/", "http")
    assert (said.up, said.why) == (False, "the TLS handshake fails")


def test_what_lies_with_the_portal_is_not_charged_to_the_service():
    assert ask("http://nowhere.invalid/", "http").why == "its name is not known to the portal's resolver"
    assert ask("http://nowhere.invalid/", "http").up is None
    assert ask("ftp://127.0.0.1/", "http").up is None
    assert ask("[2001:db8::1]:80", "tcp", timeout=0.5).up in (None, False)  # no way out, or nobody there


@pytest.mark.parametrize(
    ("kind", "address", "fits"),
    [
        ("http", "https://engine.bank.example/ovirt-engine/services/health", True),
        ("http", "engine.bank.example", False),
        ("http", "file:///etc/passwd", False),
        ("http", "http://me:secret@engine/", False),
        ("http", "http://en gine/", False),
        ("http", "http://bänk/", False),
        ("http", "http://engine:99999/", False),
        ("tcp", "oradb01:1521", True),
        ("tcp", "[fd00::1]:1521", True),
        ("tcp", "oradb01", False),
        ("tcp", "oradb01:0", False),
        ("tcp", "oradb01:1521/x", False),
        ("tcp", "[fd00::1:1521", False),
    ],
)
def test_addresses(kind, address, fits):
    assert (problem(kind, address) == "") is fits


def test_the_proxy_of_the_environment_is_not_asked(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with served(says(GOOD)) as place:
        assert ask(f"http://{place}/", "http", "DB Up").up is True


def test_a_server_without_a_certificate_is_down(engine_identity):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with served(says(GOOD), context) as place:  # it has no certificate at all
        assert ask(f"https://{place}/", "http", ca_pem=engine_identity.ca_pem).up is False
