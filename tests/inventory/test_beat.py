"""Beat: what it sends when the clock is set back, and that everything it sends exists."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from celery.schedules import schedule

from portal.beat import Steady
from portal.celery import app


class Recording(Steady):
    """Beat whose messages are kept instead of sent."""

    def setup_schedule(self):
        self.sent = []
        self.shift = timedelta()
        self.data = {
            name: self.Entry(name=name, task=name, schedule=schedule(every, nowfun=self.now), app=self.app)
            for name, every in (("fast", 0.05), ("slow", 0.2))
        }

    def now(self):
        return app.now() + self.shift

    def apply_entry(self, entry, producer=None):
        self.sent.append(entry.name)


def sent_within(beat, seconds):
    beat.sent.clear()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(max(0.0, min(beat.tick(), 0.02)))
    return set(beat.sent)


@pytest.fixture
def beat():
    return Recording(app, lazy=False)


def test_beat_sends_everything_again_soon_after_the_clock_went_back_an_hour(beat, monkeypatch):
    assert sent_within(beat, 0.4) == {"fast", "slow"}
    beat.shift = -timedelta(hours=1)
    real = time.time
    monkeypatch.setattr("portal.beat.time.time", lambda: real() - 3600)
    assert sent_within(beat, 0.5) == {"fast", "slow"}


def test_beat_goes_on_after_the_clock_went_forward(beat, monkeypatch):
    assert sent_within(beat, 0.4) == {"fast", "slow"}
    beat.shift = timedelta(hours=1)
    real = time.time
    monkeypatch.setattr("portal.beat.time.time", lambda: real() + 3600)
    assert sent_within(beat, 0.5) == {"fast", "slow"}


def test_what_beat_sends_exists_and_beat_is_ours(settings):
    app.loader.import_default_modules()
    wanted = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert wanted <= set(app.tasks)
    assert settings.CELERY_BEAT_SCHEDULER == "portal.beat:Steady"


def test_who_says_that_nobody_looks_is_not_who_looks():
    route = app.amqp.router.route({}, "inventory.tasks.expire_looks")
    assert route["queue"].name == "runs"
    assert app.amqp.router.route({}, "inventory.tasks.look")["queue"].name == "looks"
