"""The verify ladder: one archive, nine rungs, each with its own result and sentence (facts/engine-backup.md 5).

Every rung is judged, also above a failure, so that a person sees all that is wrong. What an archive is proven to is the
last rung below the first one that is not ok."""

from __future__ import annotations

from backups.catalog import judging
from backups.catalog.archive import survey
from backups.catalog.ports import Dumps, Source
from backups.catalog.rung import NAMES, Expectation, Mark, Rung


def climb(archive: Source, expectation: Expectation, dumps: Dumps) -> tuple[Rung, ...]:
    """All nine rungs of one archive, in order. Never raises for what an archive holds or for a place that does not
    answer: that is unknown."""
    try:
        size = archive.size()
        if not size:
            return _nothing(judging.present(size, archive.name, expectation))
        seen = survey(archive, dumps, expectation.limits)
    except OSError as error:
        if getattr(error, "damaged", False):  # the place answers, and what it holds is cut or was changed
            return _nothing(Rung("present", Mark.FAIL, str(error)))
        told = error.strerror or type(error).__name__
        return _nothing(Rung("present", Mark.UNKNOWN, f"{archive.name} cannot be read where it is: {told}."))
    return (judging.present(size, archive.name, expectation), *(judge(seen, expectation) for judge in judging.ABOVE))


def proven_to(rungs: tuple[Rung, ...]) -> str:
    """The name of the last ok rung below the first failed or unknown one; "" when there is none."""
    proven = ""
    for rung in rungs:
        if rung.outcome in (Mark.FAIL, Mark.UNKNOWN):
            break
        proven = rung.name if rung.outcome is Mark.OK else proven
    return proven


def whole(rungs: tuple[Rung, ...]) -> bool:
    """True when no rung failed or is unknown: the archive is fit for a rehearsal."""
    return all(rung.outcome in (Mark.OK, Mark.SKIPPED) for rung in rungs)


def _nothing(first: Rung) -> tuple[Rung, ...]:
    return (first, *(Rung(name, Mark.SKIPPED, "There is no archive to look at.") for name in NAMES[1:]))
