"""The same arithmetic a second at a time, without any interval: slow, and easy to see through."""

from __future__ import annotations

DOWN, UNKNOWN, UP = "down", "unknown", "up"
WORSE = (DOWN, UNKNOWN, UP)


def part_at(spans, rule, second):
    """What one part was in the second that begins at `second`, or None when nobody asked."""
    here = [span.state for span in spans if span.begins <= second < span.ends]
    # a hole between two that follow each other goes to the worse of both
    last = None
    for span in sorted(spans, key=lambda each: (each.begins, each.ends)):
        if last is not None and last.ends < span.begins <= rule.due(last.ends) and last.ends <= second < span.begins:
            here.append(min(last.state, span.state, key=WORSE.index))
        if last is None or span.ends >= last.ends:
            last = span
    return min(here, key=WORSE.index) if here else None


def state_at(history, second):
    """What a service was, before any correction."""
    parts = [
        part_at([span for span in history.spans if span.part == part], history.rule, second)
        for part in history.rule.parts
    ]
    if DOWN in parts:
        return DOWN
    if None in parts:
        return None
    return UNKNOWN if UNKNOWN in parts else UP


def corrected_at(history, second):
    """(state, planned) with every correction that counts."""
    seen = state = state_at(history, second)
    planned = any(one.begins <= second < one.ends for one in history.permits)
    for one in history.entries:
        if one.begins <= second < one.ends:
            if one.kind == "down":
                state = DOWN
            elif one.kind == "up":
                state = UP if seen == DOWN else seen
            elif one.kind in ("planned", "unplanned"):
                planned = one.kind == "planned"
    return state, planned


def counted(history, begins, until):
    """Seconds: up, down as planned, down, unknown, not watched."""
    found = dict.fromkeys(("up", "planned", "unplanned", "unknown", "unwatched"), 0)
    for second in range(begins, until):
        state, planned = corrected_at(history, second)
        if state == DOWN:
            found["planned" if planned else "unplanned"] += 1
        else:
            found[state or "unwatched"] += 1
    return found
