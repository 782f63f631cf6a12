"""Reading a look part by part: a part that failed leaves its facts unknown, not the others'."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from portal.kernel.command import Command
from portal.kernel.output import Output, ParseError


@dataclass(frozen=True)
class Unread:
    """A part that could not be read, with one sentence why."""

    part: str
    why: str


def why_not(unread: tuple[Unread, ...], part: str) -> str:
    """Why a part was not read; "" when it was."""
    return next((one.why for one in unread if one.part == part), "")


def texts(
    commands: Mapping[str, Command], outputs: Mapping[str, Output], any_code: Collection[str] = ()
) -> tuple[dict[str, str], list[Unread]]:
    """The text of every part that ended well, and why the others did not. `any_code`: parts that are judged by their
    words, since their exit code says something else (systemctl is-active, grep over files of which some are absent)."""
    read: dict[str, str] = {}
    unread: list[Unread] = []
    for part, command in commands.items():
        try:
            read[part] = _text(outputs.get(part), command, any_code=part in any_code)
        except ParseError as error:
            unread.append(Unread(part, str(error)))
    return read, unread


def _text(output: Output | None, command: Command, *, any_code: bool) -> str:
    if output is None or output.exit_code is None:
        why = f" {output.error_line()}" if output is not None and output.error_line() else ""
        raise ParseError(f"The answer of `{command.argv[0]}` never came.{why}")
    if output.timed_out:
        raise ParseError(f"`{command.argv[0]}` did not end within {command.timeout:.0f} s.")
    missing = output.exit_code in (126, 127)
    if missing or (output.exit_code != 0 and not any_code):
        said = output.error_line().rstrip(". ") or f"exit code {output.exit_code}"
        raise ParseError(f"`{command.argv[0]}` failed: {said}.")
    return output.text()
