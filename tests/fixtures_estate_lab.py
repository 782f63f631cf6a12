"""A running lab and its engine as the portal knows it, shared by the tests that sweep it."""

from __future__ import annotations

import time

import pytest

from inventory.models import Engine, Site
from inventory.services import sweep
from portal.connectors.ssh import new_key
from portal.kernel.secret import Secret
from tests.fixtures_lab import RunningLab

KEY = new_key()


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """One lab for all tests of a module."""
    running = RunningLab(tmp_path_factory.mktemp("lab"), 50.0)
    yield running
    running.stop()


def known(lab: RunningLab) -> Engine:
    """The lab's engine in the tables, its hosts open to the portal's key; not synced yet."""
    lab.http("PUT", "/authorized-keys", KEY[1].encode())
    about = lab.estate["engine"]
    return Engine.objects.create(
        site=Site.objects.create(name="PROD"), name="olvm-engine", url=about["url"], username=about["username"],
        password=Secret(about["password"]), ca_pem=about["ca_pem"], ssh_private_key=KEY[0], ssh_public_key=KEY[1],
    )  # fmt: skip


def settle(seconds: float = 60) -> None:
    """Until no look is under way."""
    deadline = time.monotonic() + seconds
    sweep.sweep(patience=0.5)
    while not sweep.eyes().idle() and time.monotonic() < deadline:
        sweep.sweep(patience=0.5)
