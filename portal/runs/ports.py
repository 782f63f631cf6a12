"""Where the composition plugs in what this package must not import: ways to targets, gates, known secrets.

settings.HOLDFAST_SHELLS: kind of target -> dotted path of a callable that returns a kernel Shell.
settings.HOLDFAST_GATES: dotted paths of callables (run) -> "" or one sentence why the run may not act now.
settings.HOLDFAST_LAUNCHES: dotted paths of callables (run, plan) -> "" or one sentence why a Run that needs no approval
may not be started now. The Run is not saved yet.
settings.HOLDFAST_SITE_OF: dotted path of a callable (target) -> the name of the site that it stands at, "" for none.
settings.HOLDFAST_CONSENTS: dotted paths of callables (run, by) -> "" or one sentence why this approval is not taken.
settings.HOLDFAST_SECRETS: dotted paths of callables () -> the Secrets that must not appear in a line.
settings.HOLDFAST_WORKS: name of a kernel Work -> dotted path of the callable (working) that does it.
settings.HOLDFAST_TELLINGS: question of a kernel Told -> dotted path of the callable (parameters) -> JSON content."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from portal.kernel.output import LookFailed
from portal.kernel.plan import Plan
from portal.kernel.secret import Secret
from portal.kernel.step import Parameters, Shell, Working
from portal.runs.models import Run


class Asks(str):
    """A gate's sentence about something that people can put right: a step that changes something is held, and they
    decide; for a while nothing is undone."""

    __slots__ = ()


class Later(str):
    """A gate's sentence about something that passes by itself: the step waits, as long as its patience lasts."""

    __slots__ = ()


@cache
def _shell(path: str) -> Shell:
    shell: Shell = import_string(path)()
    return shell


def kind_of(target: str) -> str:
    """ "host" for "host:7"."""
    return target.partition(":")[0]


def shell_for(target: str) -> Shell:
    """The way to the target's kind; one per process, since it keeps connections. Raises LookFailed."""
    path = settings.HOLDFAST_SHELLS.get(kind_of(target))
    if path is None:
        raise LookFailed(f"There is no way to the target {target!r}: HOLDFAST_SHELLS does not name its kind.")
    return _shell(path)


def refusal(run: Run) -> str:
    """The first gate's sentence, or "" when every gate lets the run act now. One that is Asks or Later says what is to
    be done with the step."""
    for path in settings.HOLDFAST_GATES:
        sentence: str = import_string(path)(run)
        if sentence:
            return sentence
    return ""


def hindrance(run: Run, plan: Plan) -> str:
    """Why a Run that would be queued at once may not be started; "" when nothing is in the way."""
    for path in settings.HOLDFAST_LAUNCHES:
        sentence: str = import_string(path)(run, plan)
        if sentence:
            return sentence
    return ""


def site_of(target: str) -> str:
    """The name of the site that a target stands at; "" when it stands at none, or nobody can tell."""
    found: str = import_string(settings.HOLDFAST_SITE_OF)(target) if settings.HOLDFAST_SITE_OF else ""
    return found


def objection(run: Run, by: str) -> str:
    """The first consent's sentence, or "" when every one takes the approval. Called inside the approval's
    transaction."""
    for path in settings.HOLDFAST_CONSENTS:
        sentence: str = import_string(path)(run, by)
        if sentence:
            return sentence
    return ""


def known_secrets() -> Iterable[Secret]:
    """Every secret that the composition knows of, read anew: one may have been changed a moment ago."""
    for path in settings.HOLDFAST_SECRETS:
        yield from import_string(path)()


def work(name: str) -> Callable[[Working], None]:
    """Who does a work. Raises LookupError when nobody is named for it."""
    found: Callable[[Working], None] = import_string(_path(settings.HOLDFAST_WORKS, name))
    return found


def telling(question: str) -> Callable[[Parameters], Any]:
    """Who answers a question about the portal's records. Raises LookupError when nobody is named for it."""
    found: Callable[[Parameters], Any] = import_string(_path(settings.HOLDFAST_TELLINGS, question))
    return found


def _path(table: dict[str, str], name: str) -> str:
    if name not in table:
        raise LookupError(f"the settings name nobody for {name!r}")
    return table[name]
