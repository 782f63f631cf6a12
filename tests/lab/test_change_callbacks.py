"""The callbacks of the lab's change systems, as the portal gets them: signed, and with each fault."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from portal.connectors.change.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, BadSignature, Flaw, verify
from portal.kernel.secret import Secret
from tests.fixtures_changes import KINDS, change_lab, changes

__all__ = ["change_lab", "changes"]
pytestmark = pytest.mark.wire


class Receiver:
    """Keeps what is posted. status: what it answers."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = 204
        got = self

        class Takes(BaseHTTPRequestHandler):
            def do_POST(self):
                chunked = self.headers.get("Transfer-Encoding") == "chunked"
                body = self._chunks() if chunked else self.rfile.read(int(self.headers["Content-Length"]))
                got.got.append((dict(self.headers), body))
                self.send_response(got.status)
                self.end_headers()

            def _chunks(self):
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Takes)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/callback"

    def wait(self, count):
        end = time.monotonic() + 60
        while len(self.got) < count:
            assert time.monotonic() < end, f"{count} callbacks do not come, only {len(self.got)}"
            time.sleep(0.01)
        return self.got


@pytest.fixture
def receiver():
    one = Receiver()
    yield one
    one.server.shutdown()
    one.server.server_close()


def judged(changes, kind, call):
    headers, body = call
    key = Secret(changes.known[kind]["signing_key"])
    stamp, mark = headers.get(TIMESTAMP_HEADER, ""), headers.get(SIGNATURE_HEADER, "")
    return verify([key], stamp, mark, body, time.time())


def called(changes, kind, receiver, fault="", count=1, **words):
    """A change is approved there; what comes of it."""
    changes.http("PUT", f"/change/{kind}/callback", {"url": receiver.url})
    key = changes.open(kind)
    receiver.wait(1)
    receiver.got.clear()
    if fault:
        changes.fault(kind, fault, **words)
    changes.act(kind, key.number, "approve")
    return key, receiver.wait(count)


@pytest.mark.parametrize("kind", KINDS)
def test_a_callback_names_its_change_and_is_signed(changes, kind, receiver):
    key, got = called(changes, kind, receiver)
    assert judged(changes, kind, got[0]).key == 0
    said = json.loads(got[0][1])
    assert key.number in said.values()
    assert {"sequence", "updateSequenceNumber"} & set(said)


FLAWED = {"call-unsigned": Flaw.UNSIGNED, "call-forged": Flaw.WRONG_KEY, "call-stale": Flaw.STALE}


@pytest.mark.parametrize("fault", FLAWED)
def test_a_callback_that_proves_nothing(changes, receiver, fault):
    _, got = called(changes, "servicenow", receiver, fault)
    with pytest.raises(BadSignature) as caught:
        judged(changes, "servicenow", got[0])
    assert caught.value.flaw == FLAWED[fault]


def test_a_callback_that_comes_twice_is_the_same(changes, receiver):
    _, got = called(changes, "servicenow", receiver, "call-twice", count=2)
    assert judged(changes, "servicenow", got[0]).digest == judged(changes, "servicenow", got[1]).digest


def test_callbacks_that_come_in_the_other_order(changes, receiver):
    changes.http("PUT", "/change/jira/callback", {"url": receiver.url})
    changes.fault("jira", "call-reversed")
    key = changes.open("jira")
    changes.act("jira", key.number, "approve")
    numbers = [json.loads(body)["updateSequenceNumber"] for _, body in receiver.wait(2)]
    assert numbers == sorted(numbers, reverse=True)
    assert numbers[0] > numbers[1]


def test_a_callback_that_is_no_json(changes, receiver):
    _, got = called(changes, "bmc", receiver, "call-malformed")
    assert judged(changes, "bmc", got[0])
    with pytest.raises(ValueError, match="Expecting"):
        json.loads(got[0][1])


@pytest.mark.parametrize("fault", ["call-late", "call-slow"])
def test_a_callback_that_takes_its_time(changes, receiver, fault):
    began = time.monotonic()
    _, got = called(changes, "webhook", receiver, fault, seconds=0.3)
    assert time.monotonic() - began >= 0.3
    assert judged(changes, "webhook", got[0])


def test_a_callback_that_does_not_come(changes, receiver):
    changes.http("PUT", "/change/webhook/callback", {"url": receiver.url})
    changes.fault("webhook", "call-lost")
    lost = changes.open("webhook")
    changes.http("DELETE", "/change/webhook/faults?name=call-lost")
    key = changes.open("webhook")
    said = [json.loads(body)["number"] for _, body in receiver.wait(1)]
    assert said == [key.number]
    assert lost.number not in said


def test_a_portal_that_fails_is_called_again(changes, receiver):
    receiver.status = 503
    changes.http("PUT", "/change/webhook/callback", {"url": receiver.url})
    changes.open("webhook")
    receiver.wait(2)
    receiver.status = 204
    assert receiver.got[0][1] == receiver.got[1][1]


def test_what_people_cannot_do_is_refused(changes):
    key = changes.open("servicenow")
    for act, words in (("step", {"state": "closed"}), ("move", {"begins": "soon"}), ("move", {"minutes": "x"})):
        with pytest.raises(Exception, match="409"):
            changes.act("servicenow", key.number, act, **words)
    with pytest.raises(Exception, match="404"):
        changes.act("servicenow", "CHG1", "approve")
    with pytest.raises(Exception, match="400"):
        changes.fault("servicenow", "no-such-fault")
    with pytest.raises(Exception, match="404"):
        changes.http("POST", "/change/remedy/changes", {})


def test_the_page_shows_every_system_and_its_changes(changes):
    import urllib.request

    key = changes.open("jira", short="<b>Switch</b>")
    changes.fault("jira", "slow")
    page = urllib.request.urlopen(changes.alone.control + "/change/page", timeout=30).read().decode()
    assert key.number in page
    assert "&lt;b&gt;Switch&lt;/b&gt;" in page
    assert all(name in page for name in ("ServiceNow", "Jira Service Management", "BMC Helix", "Signed webhook"))
