"""The lab's change systems in this process, over HTTPS, and what people do in them."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lab.change.jira import CLOUD
from lab.change.serve import Alone
from portal.connectors.change import connect
from portal.kernel.change import ChangeKey, ChangeSystem, ChangeWanted
from portal.kernel.secret import Secret

KINDS = ("servicenow", "jira", "bmc", "webhook")
BEGINS = datetime(2026, 12, 5, 20, 0, tzinfo=UTC)
ENDS = BEGINS + timedelta(hours=4)


class ChangeLab:
    """One set of stand-ins. Faults and callbacks are the test's to clear: use the fixture `changes`."""

    def __init__(self, folder) -> None:
        self.alone = Alone(folder).start()
        self.known = {one["kind"]: one for one in self.alone.servers.known}

    def http(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        raw = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.alone.control + path, raw, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    def fault(self, kind: str, name: str, **words: Any) -> Any:
        return self.http("POST", f"/change/{kind}/faults", {"name": name, **words})

    def act(self, kind: str, number: str, act: str, **words: Any) -> dict[str, Any]:
        return self.http("POST", f"/change/{kind}/{number}/{act}", words)

    def open(self, kind: str, **words: Any) -> ChangeKey:
        """A change that somebody made there, with a window; gives its key."""
        given = {"begins": BEGINS.isoformat(), "ends": ENDS.isoformat(), "ci": "oradb01", **words}
        made = self.http("POST", f"/change/{kind}/changes", given)
        return ChangeKey(kind, made["number"], made["sys_id"] if kind == "servicenow" else "")

    def told(self, kind: str, number: str) -> dict[str, Any]:
        """The change as its system has it."""
        return next(one for one in self.http("GET", "/change")[kind]["changes"] if one["number"] == number)

    def ledger(self, kind: str, what: str, number: str = "") -> list[dict[str, Any]]:
        rows = self.http("GET", f"/change/ledger?system={kind}")
        return [one for one in rows if one["kind"] == what and number in ("", one["change"])]

    def connect(self, kind: str, **more: Any) -> ChangeSystem:
        one = self.known[kind]
        options = {"project": "OPS"} if kind == "jira" else {}
        keys = {"signing_key": Secret(one["signing_key"])} if kind == "webhook" else {}
        given = {"secret": Secret(one["password"]), "ca": one["ca_pem"], "url": one["url"], "account": one["username"]}
        if "services" in more:  # deployments have an address and a login of their own
            both = f"{one['password']} {one['signing_key']}"
            gates = {"client_id": "holdfast-gates", "cloud_id": CLOUD.rpartition("/")[2], "gates_at": one["url"]}
            given |= {"secret": Secret(both), **gates}
        given |= {"name": kind, "limit": 30.0, **options, **keys, **more}
        return connect(kind, given.pop("url"), given.pop("account"), given.pop("secret"), given.pop("ca"), **given)

    def calm(self) -> None:
        """No fault, no callback."""
        for desk in self.alone.servers.desks.values():
            desk.faults.clear()
            desk.callback = ""


def wanted(mark: str, **more: Any) -> ChangeWanted:
    given = {
        "short": "Switch the cluster",
        "description": "Move the engine VM",
        "plan": "Ask HA to move it",
        "backout": "Move it back",
        "begins": BEGINS,
        "ends": ENDS,
        "ci": ("oradb01",),
        "mark": mark,
    }
    return ChangeWanted(**given | more)


@pytest.fixture(scope="module")
def change_lab(tmp_path_factory):
    lab = ChangeLab(tmp_path_factory.mktemp("changes"))
    yield lab
    lab.alone.stop()


@pytest.fixture
def changes(change_lab):
    change_lab.calm()
    yield change_lab
    change_lab.calm()
