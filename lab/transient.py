"""systemd-run on a lab host: transient services, and timers that start one later.

Delays are real seconds whatever the lab's speed: a dead-man's release is armed for the portal's clock, not the agent's.
"""

from __future__ import annotations

import asyncio
import contextlib
import re

from lab import ledger
from lab.command import Reply
from lab.runtime import Lab
from lab.world import Host

_UNITS = {"": 1.0, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_TAKES_WORD = ("-p", "--property", "-E", "--setenv", "--timer-property", "--description", "--unit", "--on-active")


def run(lab: Lab, host: Host, argv: list[str]) -> Reply:
    """`systemd-run [--unit=NAME] [--on-active=SECONDS] COMMAND...`."""
    options, command = _parse(argv[1:])
    if not command:
        return Reply(err="Command line to execute required.\n", rc=1)
    name = options.get("--unit", f"run-r{len(lab.world.ledger):08x}").removesuffix(".service").removesuffix(".timer")
    kind = "timer" if "--on-active" in options else "service"
    unit = f"{name}.{kind}"
    if host.units.get(unit) == "active":
        text = f"Failed to start transient {kind} unit: Unit {unit} was already loaded or has a fragment file."
        return Reply(err=text + "\n", rc=1)
    delay = seconds(options["--on-active"]) if kind == "timer" else 0.0
    if delay is None:
        return Reply(err=f"Failed to parse timer value: {options['--on-active']}\n", rc=1)
    host.units[unit] = "active"
    host.transient.add(unit)
    boot = host.boot_id
    asyncio.get_running_loop().call_later(delay, _fire, lab, host, unit, command, boot)
    if kind == "timer":
        return Reply(err=f"Running timer as unit: {unit}\nWill run service as unit: {name}.service\n")
    return Reply(err=f"Running as unit: {unit}\n")


def seconds(text: str) -> float | None:
    """A systemd time span such as 90, 90s, 2min, 1h 30min, in seconds; None when it is none."""
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*([a-z]*)", text)
    if not parts or any(unit not in _UNITS for _, unit in parts):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def _parse(words: list[str]) -> tuple[dict[str, str], list[str]]:
    options: dict[str, str] = {}
    while words and words[0].startswith("-") and words[0] != "--":
        name, given, value = words[0].partition("=")
        words = words[1:]
        if not given and name in _TAKES_WORD and words:
            value, words = words[0], words[1:]
        options[name] = value
    return options, words[1:] if words[:1] == ["--"] else words


def _fire(lab: Lab, host: Host, unit: str, command: list[str], boot: str) -> None:
    """The time has come. A stopped timer, or a host that lost power since, does nothing."""
    if host.units.get(unit) != "active" or host.boot_id != boot or not host.powered:
        return
    task = asyncio.create_task(_service(lab, host, unit, command))
    lab.tasks.add(task)
    task.add_done_callback(lab.tasks.discard)


async def _service(lab: Lab, host: Host, unit: str, command: list[str]) -> None:
    entry = ledger.enter(lab.world, host.name, command, "unit")
    rc: int | None = None
    with contextlib.suppress(OSError):
        child = await asyncio.create_subprocess_exec(
            *command,
            cwd=lab.home(host),
            env=lab.environment(host),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        lab.children.add(child.pid)
        rc = await child.wait()
        lab.children.discard(child.pid)
    ledger.close(lab.world, entry, rc)
    host.units.pop(unit, None)
    host.transient.discard(unit)
