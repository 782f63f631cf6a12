"""The published schema, fuzzed against the portal over HTTP in every role: nothing breaks, nothing answers what the
schema does not say, and nobody gets what the role does not come with."""

from __future__ import annotations

import pytest
from django.core.cache import cache

from portal.access.roles import ROLES
from tests.api import fuzz_world
from tests.api.fuzzing import Fuzz, Known, act_of, holds, operations
from tests.changes.fake_system import CURRENT, FakeSystem

EVERYBODY = (*ROLES, "nobody")
ANY_NUMBER = 10**9


@pytest.fixture
def known(live_server, settings, tmp_path):
    """The portal, served, with a row of nearly everything and a token for each role."""
    settings.HOLDFAST_VAULT = tmp_path
    settings.HOLDFAST_MAIL_URL = ""
    settings.HOLDFAST_PUBLIC_URL = "https://holdfast.bank.example/"
    settings.HOLDFAST_ALARMS = ["tests.alerts.said_alarms.alarms"]
    settings.HOLDFAST_QUIET = []
    settings.HOLDFAST_CHANGE_CONNECT = "tests.changes.fake_system.connect"
    settings.HOLDFAST_API_READS = settings.HOLDFAST_API_WRITES = settings.HOLDFAST_CALLBACKS = ANY_NUMBER
    cache.clear()
    CURRENT.append(FakeSystem())
    CURRENT[-1].put("CHG0034817")
    fuzz_world.build()
    found = Known(live_server.url, {role: fuzz_world.token(role) for role in EVERYBODY})
    found.read()
    yield found
    found.session.close()
    CURRENT.pop()


def may(operation) -> str:
    """A role that may; what a signature opens, anybody tries."""
    return next((role for role in ROLES if holds(role, act_of(operation))), "viewer")


def may_not(operation, turn: int) -> str:
    """One of those that may not, each in its turn."""
    found = [role for role in EVERYBODY if not holds(role, act_of(operation))]
    return found[turn % len(found)]


def told(fuzz: Fuzz) -> str:
    return "\n\n".join(f"{' / '.join(key)}: {words}" for key, words in sorted(fuzz.found.items()))


def test_the_schema_holds_for_somebody_who_may_and_for_somebody_who_may_not(known):
    fuzz = Fuzz(known)
    for turn, operation in enumerate(operations()):
        fuzz.plain(operation, may_not(operation, turn))
        if turn % 2:  # the matrix draws for all
            fuzz.plain(operation, may(operation))
        elif operation.method == "get":
            fuzz.allowed(operation, may(operation), 1)
        else:
            fuzz.forbidden(operation, may(operation), 1)
    assert not fuzz.found, told(fuzz)
    assert fuzz.sent >= 2 * len(operations())
    assert fuzz.answers.keys() >= {200, 400, 403, 404}, "so much of the portal is reached"


@pytest.mark.matrix
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("role", EVERYBODY)
def test_the_schema_holds_in_every_role(known, role):
    fuzz = Fuzz(known)
    for operation in operations():
        fuzz.allowed(operation, role, 6)
        fuzz.forbidden(operation, role, 4)
    assert not fuzz.found, told(fuzz)


@pytest.mark.matrix
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_the_schema_holds_at_its_edges(known, method):
    fuzz = Fuzz(known)
    for operation in operations():
        if operation.method == method:
            fuzz.edges(operation, may(operation))
    assert not fuzz.found, told(fuzz)
