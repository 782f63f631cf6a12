"""The word to a watcher outside, against a real HTTP server that takes it, refuses it, hangs, talks without end."""

from __future__ import annotations

import socket
import time

import pytest

from portal.connectors.heartbeat import PingFailed, caution, ping, problem
from portal.kernel.secret import Secret
from tests.fixtures_watcher import UUID

pytestmark = pytest.mark.wire


def test_three_words(watcher):
    ping(Secret(watcher.url), "start")
    ping(Secret(watcher.url), "success")
    ping(Secret(watcher.url + "/"), "fail", "The engine’s database is down.")
    ping(Secret(watcher.url + "?rid=7"), "fail", "x" * 20_000)
    first, second, third, fourth = watcher.told
    assert first == ("GET", f"/ping/{UUID}/start", "")
    assert second == ("GET", f"/ping/{UUID}", "")
    assert third == ("POST", f"/ping/{UUID}/fail", "The engine’s database is down.")
    assert (fourth[1], len(fourth[2])) == (f"/ping/{UUID}/fail?rid=7", 10_000)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        (500, "HTTP 500: look at the watcher."),
        (404, "HTTP 404: it no longer knows this address"),
        (301, "HTTP 301: redirects are not followed"),
        ("hang", "it did not answer in time"),
        ("cut", "the connection ended without an answer"),
        ("endless", "the transfer failed (curl 23)"),
    ],
)
def test_what_is_not_taken_is_one_sentence_without_the_address(watcher, how, said):
    watcher.how = how
    began = time.monotonic()
    with pytest.raises(PingFailed) as caught:
        ping(Secret(watcher.url), "fail", "x", timeout=0.5)
    assert time.monotonic() - began < 3
    assert said in str(caught.value)
    assert UUID not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)
    assert len(watcher.told) == 1


def test_nobody_listens():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/{UUID}"
        with pytest.raises(PingFailed, match="nothing listens at its address"):
            ping(Secret(url), "success")


def test_a_watcher_without_tls_behind_https_is_not_believed(watcher):
    with pytest.raises(PingFailed, match="TLS handshake"):
        ping(Secret(watcher.url.replace("http:", "https:")), "success", timeout=2)
    assert watcher.told == []


@pytest.mark.parametrize(
    "url",
    ["", "hc.example/x", "ftp://hc.example/x", "file:///etc/passwd", "https://", "https://hc.example:99999/x",
     "https://hc.example/a b", "https://hc.example/a\n", "https://hc.example/#x", "https://[::1/x"],
)  # fmt: skip
def test_what_is_no_address_is_not_asked(url):
    assert problem(url)
    with pytest.raises(PingFailed):
        ping(Secret(url), "success")


def test_http_is_said():
    assert problem("https://hc.example/ping/x") == ""
    assert caution("https://hc.example/ping/x") == ""
    assert "whoever is on the way can read its address" in caution("http://hc.example/ping/x")
    assert caution("https://[::1/x") == ""
