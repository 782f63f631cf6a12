"""The hosted-engine hosts of one engine, as a Run's parameters name them: "7:kvm01:1,8:kvm02:2"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from portal.kernel.step import Parameters

_MEMBER = re.compile(r"([1-9]\d{0,17}):([A-Za-z0-9][A-Za-z0-9._-]{0,252}):([1-9]\d{0,3})")


@dataclass(frozen=True)
class Member:
    """pk: of the portal's Host row. name: as the engine lists it. he_id: hosted-engine host id."""

    pk: int
    name: str
    he_id: int

    @property
    def target(self) -> str:
        """As Runs name it."""
        return f"host:{self.pk}"

    def __str__(self) -> str:
        return f"{self.pk}:{self.name}:{self.he_id}"


def written(members: tuple[Member, ...]) -> str:
    """The parameter's text."""
    return ",".join(str(member) for member in members)


def problem(text: str) -> str:
    """ "" or why the text names no hosts."""
    found = [_MEMBER.fullmatch(word) for word in text.split(",")]
    if not all(found):
        return f"{text[:80]!r} does not name hosted-engine hosts as key:name:id."
    if len({match[1] for match in found if match}) != len(found) or len({match[3] for match in found if match}) != len(
        found
    ):
        return "A host or a hosted-engine id is named twice."
    return ""


def members(parameters: Parameters) -> tuple[Member, ...]:
    """The hosts of the parameter `hosts`, in its order. Raises ValueError."""
    text = str(parameters["hosts"])
    if why := problem(text):
        raise ValueError(why)
    words = (word.split(":") for word in text.split(","))
    return tuple(Member(int(pk), name, int(he_id)) for pk, name, he_id in words)


def member(parameters: Parameters, key: str) -> Member:
    """The host whose row key stands in the parameter `key`. Raises ValueError."""
    for one in members(parameters):
        if one.pk == parameters[key]:
            return one
    raise ValueError(f"{key} is {parameters[key]!r}, which is none of the hosted-engine hosts.")


def others(parameters: Parameters, key: str) -> tuple[Member, ...]:
    """All hosts but the one in the parameter `key`."""
    return tuple(one for one in members(parameters) if one.pk != parameters[key])
