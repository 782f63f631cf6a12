"""Changes of state as a person reads them: what one cause brought about is one line with a count."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

TOGETHER = timedelta(seconds=30)  # the looks at one host end at different moments of the same trouble
UNREAD = "Not known. "  # how every finding of a look that was not read begins (services/record.py)


@dataclass(frozen=True)
class Change:
    """One line. checks: how many it stands for; the rest is as in a transition, of the newest of them."""

    at: datetime
    host_name: str | None
    subject_key: str
    lun_name: str | None
    probe: str
    to_outcome: str
    sentence: str
    capture_sha: str | None
    checks: int = 1


def together(rows: Iterable[Any], most: int) -> list[Change]:
    """Transitions (rows of pages_history.COLUMNS, the newest first) in, at most `most` lines out. One line: equal
    sentences about one host, everything of a host that is no longer known, everything that is known and ok again."""
    groups: list[list[Any]] = []
    open_: dict[Hashable, list[Any]] = {}
    for row in rows:
        key = _cause(row)
        group = open_.get(key)
        if group is not None and group[0].at - row.at <= TOGETHER:
            group.append(row)
            continue
        if len(groups) == most:  # what is older can only belong to groups that are open for some seconds more
            if groups[-1][0].at - row.at > TOGETHER:
                break
            continue
        open_[key] = [row]
        groups.append(open_[key])
    return [_line(group) for group in groups]


def _cause(row: Any) -> Hashable:
    if row.to_outcome == "unknown" and row.sentence.startswith(UNREAD):
        return (row.host_id, "not known")
    if row.to_outcome == "ok" and row.from_outcome == "unknown":
        return (row.host_id, "known again")
    return (row.host_id, row.to_outcome, row.sentence)


def _line(group: Sequence[Any]) -> Change:
    first, count = group[0], len(group)
    if count == 1:
        lun = first.lun_name
        return Change(
            first.at,
            first.host_name,
            first.subject_key,
            lun,
            first.probe,
            first.to_outcome,
            first.sentence,
            first.capture_sha,
        )
    words = first.sentence
    if first.to_outcome == "unknown" and words.startswith(UNREAD):
        words = f"{count} checks not known: {words.removeprefix(UNREAD)}"
    elif first.to_outcome == "ok" and first.from_outcome == "unknown":
        words = f"{count} checks are known and OK again."
    else:
        words = f"{count} checks: {words}"
    subject = first.host_name or first.subject_key
    return Change(first.at, first.host_name, subject, None, first.probe, first.to_outcome, words, None, count)
