"""A source of alarms that says what a test puts into it (settings.HOLDFAST_ALARMS names it)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from portal.alerts.rules.alarm import About, Alarm, Concern, Severity

HOLDS: dict[str, Alarm] = {}
ASKED = []
SOURCE = "tests.alerts.said_alarms.alarms"
QUIETS = []


def alarms(ask):
    """What holds now."""
    ASKED.append(ask)
    return list(HOLDS.values())


def again(ask):
    """Another source that says the same."""
    return list(HOLDS.values())


def timeless(ask):
    """A source that keeps no time of its own."""
    return [replace(one, since=ask.since(one.key)) for one in HOLDS.values()]


def broken(ask):
    """A source that breaks."""
    raise RuntimeError("it would quote a password")


def quiets(now):
    """The windows that are open."""
    return list(QUIETS)


def say(now, key="lun:ora_data02:paths", **more):
    """Lets an alarm hold since two minutes ago."""
    given = {
        "severity": Severity.CRITICAL, "concern": Concern.STORAGE, "about": About("lun", "ora_data02", "olvm", "PROD"),
        "sentence": "ora_data02 lost a path.", "since": now - timedelta(minutes=2), "link": "/luns/1/", "hold": 60.0,
        "calm": 300.0, **more,
    }  # fmt: skip
    HOLDS[key] = Alarm(key, **given)
    return HOLDS[key]


def end(key="lun:ora_data02:paths"):
    """It holds no longer."""
    HOLDS.pop(key, None)
