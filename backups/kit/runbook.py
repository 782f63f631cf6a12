"""Recovery day of this estate: the steps in order, with its own names and values (facts/engine-backup.md 8; the traps
of hosted-engine: facts/hosted-engine.md 1, 4). What is not known says so, and what to do to find it."""

from __future__ import annotations

from textwrap import wrap

from backups.kit.act import Act, Answer, Command, Stage
from backups.kit.content import Kit
from backups.kit.runbook_after import after
from backups.kit.runbook_before import archive, survivors, target
from backups.kit.runbook_deploy import deploy, new_lun
from backups.kit.words import when

WIDTH = 100


def runbook(kit: Kit) -> tuple[Stage, ...]:
    """The stages in order."""
    return (survivors(kit), target(kit), archive(kit), new_lun(kit), deploy(kit), after(kit))


def unknowns(stages: tuple[Stage, ...]) -> int:
    """How many values somebody has to find on the day."""
    return sum(
        sum(not one.known for one in act.commands) + sum(not one.known for one in act.answers)
        for stage in stages
        for act in stage.acts
    )


def as_text(kit: Kit) -> str:
    """The runbook for a terminal or a printer: ASCII-wide, 100 columns; commands are never wrapped."""
    lines = [
        f"Recovery day: {kit.estate}",
        *_wrapped(
            f"Made {when(kit.made, kit.zone)}. Take the steps in order; commands run as root on the machine that"
            ' is named. A line that begins with "Not known:" has no command: find the value first.',
            "",
        ),
    ]
    for number, stage in enumerate(runbook(kit), 1):
        lines += ["", f"{number}  {stage.title.upper()}", *_wrapped(stage.note, "   ")]
        for place, act in enumerate(stage.acts, 1):
            lines += _act(f"{number}.{place}", act)
    return "\n".join(lines) + "\n"


def _act(number: str, act: Act) -> list[str]:
    lines = ["", *_wrapped(f"[ ] {number}  On {act.where}: {act.title}", "", "         ")]
    lines += _wrapped(f"Careful: {act.warning}" if act.warning else "", "         ")
    lines += [_command(one) for one in act.commands]
    lines += [line for one in act.answers for line in _answer(one)]
    return lines + _wrapped(f"Expect: {act.expect}" if act.expect else "", "         ")


def _command(one: Command) -> str:
    return f"           {'# ' if one.known else '! '}{one.text}"


def _answer(one: Answer) -> list[str]:
    return _wrapped(f"{one.question:<34} {one.answer}", f"           {'= ' if one.known else '! '}", " " * 48)


def _wrapped(text: str, first: str, rest: str = "") -> list[str]:
    return wrap(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest or first,
        break_long_words=False,
        break_on_hyphens=False,
    )
