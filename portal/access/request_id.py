"""A name for each request, carried into its log lines, its error page, its evidence, and the engine's
Correlation-Id."""

from __future__ import annotations

import logging
import re
import secrets
from contextvars import ContextVar

GOOD = re.compile(r"[A-Za-z0-9._-]{8,64}")
current: ContextVar[str] = ContextVar("request_id", default="-")


def accepted(offered: str) -> str:
    """The caller's own id when it is well-formed, otherwise a new one."""
    return offered if GOOD.fullmatch(offered) else secrets.token_hex(8)


class InLogs(logging.Filter):
    """Gives each log line `request_id`, "-" outside a request, and keeps each message on one line: what a host, an
    engine or a browser said cannot forge a line of its own."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Lets everything pass."""
        request = getattr(record, "request", None)  # Django reports a refusal when the request's own context has ended
        record.request_id = getattr(request, "request_id", current.get())
        message = record.getMessage()
        if not message.isprintable():
            record.msg, record.args = _CONTROL.sub(_spelled, message), ()
        return True


_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")


def _spelled(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()
