"""The faults in force that change how a device answers, looked up when it is asked."""

from __future__ import annotations

from dataclasses import dataclass

from lab.world import Fault, World

CAP = 3  # REST sessions of a switch (facts/san.md 0)
CAP_MESSAGE, CAP_CODE = "Max limit for REST sessions reached", 14
WRONG_PASSWORD, LOCKED, OFFLINE_USER, UNAUTHORIZED = 1_077_949_061, 1_077_949_070, 1_077_949_069, -401
LOCK_AFTER = 3  # wrong passwords in a row
MESSAGES = {WRONG_PASSWORD: "The User name or password is incorrect.", LOCKED: "The account is locked."}


@dataclass(frozen=True)
class Refusal:
    """What a refused login gets."""

    status: int
    code: int
    message: str


def in_force(world: World, name: str, target: str) -> Fault | None:
    """A fault of a device; None."""
    return next((fault for fault in world.faults if (fault.name, fault.target) == (name, target)), None)


def login(world: World, target: str, message: str) -> Refusal | None:
    """The configured refusal of logins to a device."""
    fault = in_force(world, "login-refused", target)
    if fault is None:
        return None
    status, code = int(fault.args.get("status") or 401), int(fault.args.get("code") or WRONG_PASSWORD)
    return Refusal(status, code, fault.args.get("message") or message)
