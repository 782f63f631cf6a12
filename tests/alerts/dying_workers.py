"""A worker that dies by SIGKILL at a place of a round, once per place: run as a program of its own, with the database
of the tests. Prints the places at which a child was killed."""

from __future__ import annotations

import os
import signal
import sys

import django


def die(*given, **named):
    os.kill(os.getpid(), signal.SIGKILL)


def places():
    """What is replaced by death: after the alert is opened, after it is routed, while it is handed over, and after it
    was sent but before that is noted."""
    from portal.alerts.services import routes, telling
    from portal.outbox import services as outbox

    return {
        "routes": (routes, "rules_of"),
        "flush": (telling, "flush"),
        "queue": (outbox, "_told"),
        "end": (outbox, "_end"),
    }


def child(place, name):
    from django.utils import timezone

    from portal.alerts.services.tick import tick
    from portal.outbox import services as outbox

    setattr(place, name, die)
    tick(timezone.now())
    outbox.deliver_due(timezone.now())


def main():
    django.setup()
    from django.conf import settings
    from django.utils import timezone

    from tests.alerts import said_alarms

    settings.HOLDFAST_ALARMS, settings.HOLDFAST_QUIET = [said_alarms.SOURCE], []
    said_alarms.say(timezone.now())
    for word, (place, name) in places().items():
        pid = os.fork()
        if not pid:
            child(place, name)
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        print(word if os.WIFSIGNALED(status) else f"{word} lived", flush=True)


if __name__ == "__main__":
    sys.exit(main())
