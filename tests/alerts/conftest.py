"""A portal whose only source of alarms is what the test says."""

from __future__ import annotations

import pytest
from django.utils import timezone

from tests.alerts import said_alarms


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def said(settings):
    settings.HOLDFAST_ALARMS = [said_alarms.SOURCE]
    settings.HOLDFAST_QUIET = ["tests.alerts.said_alarms.quiets"]
    settings.HOLDFAST_MAIL_URL = ""
    settings.HOLDFAST_PUBLIC_URL = "https://holdfast.bank.example/"
    for kept in (said_alarms.HOLDS, said_alarms.ASKED, said_alarms.QUIETS):
        kept.clear()
    return said_alarms
