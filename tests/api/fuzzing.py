"""Requests as the published schema allows and forbids them, sent over HTTP in a role; what is wrong with the answers.
Nothing stops at the first mistake: `found` holds each kind of mistake of each operation once."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import requests
import schemathesis
import yaml
from django.urls import resolve
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import CHECKS
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.generation import GenerationMode

from portal.access.roles import ROLES
from tests.api.fuzz_world import SECRETS

SCHEMA = "docs/openapi.yaml"
SEED = 20261126
ORDER = ("get", "post", "put", "patch", "delete")
BOTH = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
# What is well-formed may still be refused for what the tables hold, and many columns take what the schema calls odd
# ("1" for 1): these two checks are a matter of taste, not of a promise.
LEFT = {"positive_data_acceptance", "negative_data_rejection"}
PROBLEM = {"type", "title", "status", "detail", "request_id", "errors"}
KEYS = ("id", "name", "number")  # what a path names a row by: the first that a row has
# names in bodies and queries, and the list that has what they mean
ROWS = {
    "engine": "engines", "host": "hosts", "policy": "policies", "drill": "drills", "retest": "drills", "vm": "vms",
    "lun": "luns", "escalate_to": "alert-receivers", "run": "runs", "schedule": "drill-schedules", "on": "hosts",
}  # fmt: skip
# acts that a view asks for by itself, since only some of its methods need them
WITHIN = {
    ("Runs", "create"): "run.start",
    ("Runs", "approve"): "run.approve",
    ("Runs", "hold"): "run.start",
    ("Runs", "resume"): "run.start",
    ("Runs", "abort"): "run.abort",
    ("Runs", "retry"): "run.start",
    ("Runs", "ignore"): "run.approve",
    ("Changes", "create"): "run.start",
    ("Windows", "create"): "run.start",
    ("AvailabilityApi", "create"): "objective.manage",
    ("Issues", "accept_risk"): "issue.accept",
}


def checks() -> list[Any]:
    """schemathesis' own, but for those LEFT out."""
    schemathesis.checks.load_all_checks()
    return [CHECKS.get_one(name) for name in CHECKS.get_all_names() if name not in LEFT]


@cache
def operations() -> list[Any]:
    """Every operation of the published schema; what takes rows away comes last."""
    with Path(SCHEMA).open(encoding="utf-8") as file:
        schema = schemathesis.openapi.from_dict(yaml.load(file, yaml.CSafeLoader))
    # an edit without its If-Match is answered by 428, which RFC 6585 made for that and schemathesis does not list
    missing = schema.config.checks.missing_required_header
    missing.expected_statuses = [*missing.expected_statuses, "428"]
    found = [one.ok() for one in schema.get_all_operations()]
    return sorted(found, key=lambda one: ORDER.index(one.method))


def act_of(operation: Any) -> str:
    """The act that an operation needs; "" for the one that a signature opens."""
    path = operation.path.replace("{id}", "1").replace("{form}", "pdf").replace("{", "").replace("}", "")
    found = resolve(path.replace("/entry/", "/1/").replace("/prompt/", "/1/").replace("/file/", "/1/")).func
    view, method = found.cls, operation.method.lower()
    if not hasattr(found, "actions"):
        return ""
    within = WITHIN.get((view.__name__, found.actions[method]))
    needs = getattr(found, "initkwargs", {}).get("permission_classes", view.permission_classes)[0].needs
    return within or needs[0 if method == "get" else 1]


def holds(role: str, act: str) -> bool:
    """Whether the role comes with the act."""
    return role in ROLES and act in ROLES[role].acts


@dataclass
class Known:
    """What path parameters can be so that they meet a row, by the first word of the path."""

    url: str
    tokens: dict[str, str]
    rows: dict[str, list[Any]] = field(default_factory=dict)
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.trust_env = False  # no proxy on the way

    def read(self) -> None:
        """Asks each list that the schema's other paths and bodies need, as somebody who may."""
        lists = {one.path.partition("{")[0] for one in operations() if "{" in one.path}
        lists |= {f"/api/v1/{name}/" for name in ROWS.values()}
        for path in sorted(lists & {one.path for one in operations() if one.method == "get"}):
            answers = (
                self.session.get(self.url + path, headers={"Authorization": f"Bearer {self.tokens[role]}"}, timeout=60)
                for role in ("operator", "admin")
            )
            body = next(one.json() for one in answers if one.status_code == 200)
            rows = body["results"] if isinstance(body, dict) else body
            self.rows[path] = [row[next(key for key in KEYS if key in row)] for row in rows]

    def some(self, path: str, name: str, pick: random.Random) -> Any:
        """A value of the parameter; None when none is known."""
        if name in ("entry", "prompt", "file"):
            return 1
        if name == "system":
            return "snow"
        if name == "form":
            return "html"
        rows = self.rows.get(path.partition("{")[0], [])
        return pick.choice(rows) if rows else None


@dataclass
class Fuzz:
    """Fuzzes operations in roles."""

    known: Known
    checks: list[Any] = field(default_factory=checks)
    found: dict[tuple[str, str, str], str] = field(default_factory=dict)
    sent: int = 0
    answers: dict[int, int] = field(default_factory=dict)
    guarded: set[str] = field(default_factory=set)  # what was tried without a token already

    def allowed(self, operation: Any, role: str, examples: int) -> None:
        """So many examples of what the schema allows."""
        self._draw(operation, role, GenerationMode.POSITIVE, examples)

    def forbidden(self, operation: Any, role: str, examples: int) -> None:
        """So many examples of what it forbids."""
        self._draw(operation, role, GenerationMode.NEGATIVE, examples)

    def plain(self, operation: Any, role: str) -> None:
        """One request to a row that is there, which says nothing."""
        pick = random.Random(SEED)
        where = {
            name: self.known.some(operation.path, name, pick) or 1 for name in re.findall(r"{(\w+)}", operation.path)
        }
        more = {} if operation.method == "get" else {"body": {}, "media_type": "application/json"}
        self._send(operation.Case(path_parameters=where, **more), role, pick)

    def _draw(self, operation: Any, role: str, mode: GenerationMode, examples: int) -> None:
        pick = random.Random(SEED)
        calm = settings(
            max_examples=examples, deadline=None, database=None, phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip

        @seed(SEED)
        @calm
        @given(case=operation.as_strategy(generation_mode=mode))
        def each(case: Any) -> None:
            self._send(case, role, pick)

        try:
            each()
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE, operation.label  # nothing that it takes can be wrong

    def edges(self, operation: Any, role: str) -> None:
        """The schema's edges: shortest, longest, absent, doubled, of another kind, other methods."""
        pick = random.Random(SEED)
        schema = operation.schema
        for case in schema.iter_coverage_cases(
            operation, generation_modes=list(BOTH), generation_config=schema.config.generation
        ):
            self._send(case, role, pick)

    def _send(self, case: Any, role: str, pick: random.Random) -> None:
        if pick.random() < 0.8:  # the others meet nothing
            for name in list(case.path_parameters or {}):
                value = self.known.some(case.operation.path, name, pick)
                if value is not None:
                    case.path_parameters[name] = value
            self._name_rows(case.body, pick)
            self._name_rows(case.query, pick)
        headers = {"Authorization": f"Bearer {self.known.tokens[role]}"}
        response = case.call(
            base_url=self.known.url, headers=headers, session=self.known.session, timeout=60, allow_redirects=False
        )
        self.sent += 1
        self.answers[response.status_code] = self.answers.get(response.status_code, 0) + 1
        for name, words in self._mistakes(case, response, headers, role):
            key = (case.operation.label, name, role)
            body = response.content[:300]
            self.found.setdefault(key, f"{words}\n  {case.as_curl_command()[:900]}\n  {response.status_code} {body}")

    def _name_rows(self, given: Any, pick: random.Random) -> None:
        """Numbers of rows that somebody made up become those of some that exist."""
        for name, path in ROWS.items():
            rows = self.known.rows[f"/api/v1/{path}/"]
            if isinstance(given, dict) and isinstance(given.get(name), int) and rows:
                given[name] = pick.choice(rows)

    def _mistakes(self, case: Any, response: Any, headers: dict[str, str], role: str) -> Iterator[tuple[str, str]]:
        try:
            case.validate_response(
                response, checks=self.checks, headers=headers, excluded_checks=self._done(case, response),
                transport_kwargs={"headers": headers, "timeout": 60, "session": self.known.session},
            )  # fmt: skip
        except FailureGroup as several:
            yield from ((type(one).__name__, f"{one.title}: {one.message}"[:600]) for one in several.exceptions)
        except Failure as one:
            yield type(one).__name__, f"{one.title}: {one.message}"[:600]
        yield from leaks(case, response, role)

    def _done(self, case: Any, response: Any) -> list[Any]:
        """Once is enough for what asks again with no token and with a false one."""
        label = case.operation.label
        known = label in self.guarded
        if response.status_code < 300:
            self.guarded.add(label)
        return [CHECKS.get_one("ignored_auth")] if known else []


def leaks(case: Any, response: Any, role: str) -> Iterator[tuple[str, str]]:
    """A role gets nothing of what it may not, and nobody a secret."""
    for secret in SECRETS:
        if secret.encode() in response.content:
            yield "secret", f"the answer holds {secret}"
    act = act_of(case.operation)
    if not act or case.method.upper() != case.operation.method.upper():
        return
    if holds(role, act):
        return
    if response.status_code < 400:
        yield "cross-role", f"{role} may not {act}"
    elif set(response.json()) - PROBLEM:
        yield "cross-role", f"{role} may not {act}, and is told more than the problem"
