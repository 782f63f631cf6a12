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
    """Gives each log line `request_id`; "-" outside a request."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Lets everything pass."""
        record.request_id = current.get()
        return True
