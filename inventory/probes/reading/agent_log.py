"""The tail of agent.log: the agent's last state, its score penalties by name, and messages worth an alarm
(facts/hosted-engine.md 3.1, 5)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

WINDOW = 75.0  # seconds before the last line; the agent repeats a standing penalty about once a minute
FULL_SCORE = 3400

# Thread::LEVEL::date time,ms::module::line::logger::(function) message. Anything else continues the record before.
_LINE = re.compile(
    r"^[^:\n]*::(?P<level>[A-Z]+)::(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),\d+::[^:\n]*::\d+::[^:\n]*::"
    r"\((?P<function>[^)\n]*)\) (?P<message>.*)$"
)
_STATE = re.compile(r"Current state (\w+) \(score: (\d+)\)")
_PENALTY = re.compile(r"Penalizing score by (\d+) due to (.+?)\.?$")
_ZERO = re.compile(r"Score is 0 due to (.+?)\.?$")  # more than 3 failed starts: the score is 0 at once (3.1)
_ALARMS = (
    "Engine down and local host has best score",
    "Engine vm was unexpectedly shut down",
    "Engine VM has bad health status, timeout in",
    "score is significantly better than local score, shutting down VM",
    "Another host already took over",
    "Score is 0 due to",
    "Timeout on transitioning from",
    "Unhandled monitoring loop exception",
    "Unknown local engine vm status",
    "Required service",
    "Can't start vdsmd",
    "Failed to start engine VM: ",
    "Failed to stop engine VM",
    "Failed to start necessary monitors",
    "Hosted-engine storage domain is in invalid state",
    "Trying to restart agent",
    "Trying to restart the broker",
    "Malformed metadata",
    "Invalid global metadata key",
    "Failed to verify network status",
)


@dataclass(frozen=True)
class Penalty:
    """Points that the agent takes off its score, and why, in its own words ("cpu load")."""

    points: int
    reason: str


@dataclass(frozen=True)
class AgentLog:
    """What the tail says. state and score None: no such line in it. waiting: the agent waits in local maintenance and
    publishes nothing (4, trap 5). started_ago: seconds from the agent's start to the last line; None when the
    tail shows no start. span: seconds between its first and last line."""

    state: str | None
    score: int | None
    penalties: tuple[Penalty, ...]
    alarms: tuple[str, ...]
    waiting: bool
    started_ago: int | None
    span: int


@dataclass(frozen=True)
class _Record:
    at: datetime
    message: str


def read_agent_log(text: str) -> AgentLog | None:
    """Lines of agent.log in; None when no line has the log's format. Times are the host's own and only compared with
    each other."""
    records = list(_records(text))
    if not records:
        return None
    end = max(record.at for record in records)
    recent = [record for record in records if (end - record.at).total_seconds() <= WINDOW]
    states = [(at, match) for at, record in enumerate(records) if (match := _STATE.search(record.message))]
    waits = [at for at, record in enumerate(records) if record.message.strip() == "Local maintenance set"]
    starts = [record.at for record in records if re.search(r"hosted-engine-ha agent \S+ started", record.message)]
    state = states[-1][1] if states else None
    score = int(state[2]) if state else None
    return AgentLog(
        state=state[1] if state else None,
        score=score,
        penalties=(_zeroed(recent) if score == 0 else ()) or _penalties(recent),
        alarms=tuple(dict.fromkeys(record.message[:200] for record in recent if _alarming(record.message))),
        waiting=bool(waits) and (not states or waits[-1] > states[-1][0]),
        started_ago=int((end - starts[-1]).total_seconds()) if starts else None,
        span=int((end - records[0].at).total_seconds()),
    )


def _records(text: str) -> Iterator[_Record]:
    for line in text.splitlines():
        match = _LINE.match(line)
        if match:
            try:
                at = datetime.fromisoformat(match["at"])
            except ValueError:
                continue
            yield _Record(at, match["message"])


def _zeroed(recent: list[_Record]) -> tuple[Penalty, ...]:
    """The whole score, where one reason takes all of it; () where none does."""
    reasons = [found[1] for record in recent if (found := _ZERO.search(record.message))]
    return (Penalty(FULL_SCORE, reasons[-1]),) if reasons else ()


def _penalties(recent: list[_Record]) -> tuple[Penalty, ...]:
    """The latest amount per reason; numbers in a reason (free memory, attempts) change while it stands. A full score
    logged after a penalty ends it."""
    found: dict[str, Penalty] = {}
    for record in recent:
        state = _STATE.search(record.message)
        if state and int(state[2]) >= FULL_SCORE:
            found.clear()
        penalty = _PENALTY.search(record.message)
        if penalty:
            found[re.sub(r"\d+", "", penalty[2])] = Penalty(int(penalty[1]), penalty[2])
    return tuple(found.values())


def _alarming(message: str) -> bool:
    return any(sign in message for sign in _ALARMS)
