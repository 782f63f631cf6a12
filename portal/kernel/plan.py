"""A plan: named steps in order, with the parameters it takes. A Run freezes one plan with its parameters."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from portal.kernel.step import Step


class ParametersRefused(Exception):
    """What was given does not fit the plan. `sentences`: one per mistake."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__(" ".join(sentences))
        self.sentences = sentences


@dataclass(frozen=True)
class Parameter:
    """One value that a plan takes. kind: str, int, float or bool. default None: it must be given.
    check: the value in, "" or one sentence out that says why it is not taken. Never a secret: parameters are stored
    and shown; a step that needs a secret names the row that holds it."""

    name: str
    title: str
    kind: type
    default: Any = None
    check: Callable[[Any], str] = lambda value: ""


@dataclass(frozen=True)
class Plan:
    """version is raised whenever a step or its order changes, so that what was approved is what runs.
    targets: the kinds of target it runs on ("host", "engine"). approval: a second person must agree first.
    decide: step -> seconds for which its failure waits for people (retry, ignore, abort) before the undos begin; a step
    that is not named begins them at once, and one that changes something is never named. content: hex SHA-256 of what
    people composed the plan of, "" for a plan in code. site: the role of the sites that it runs at (production, dr), ""
    for any."""

    name: str
    title: str
    version: int
    steps: tuple[Step, ...]
    targets: tuple[str, ...]
    parameters: tuple[Parameter, ...] = ()
    approval: bool = False
    decide: Mapping[str, float] = field(default_factory=dict, hash=False)
    content: str = ""
    site: str = ""

    def __post_init__(self) -> None:
        names = [step.name for step in self.steps]
        if not names or len(set(names)) != len(names):
            raise ValueError(f"plan {self.name}: it has no steps, or two of one name")
        if {"run", "target"} & {parameter.name for parameter in self.parameters}:
            raise ValueError(f"plan {self.name}: the parameter names 'run' and 'target' are the runner's own")
        harmless = {step.name for step in self.steps if not step.mutating}
        if not harmless.issuperset(self.decide) or any(seconds <= 0 for seconds in self.decide.values()):
            raise ValueError(
                f"plan {self.name}: people decide, in seconds above zero, on own steps that change nothing"
            )

    def checked(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters as they are frozen, defaults filled in. Raises ParametersRefused."""
        known = {parameter.name: parameter for parameter in self.parameters}
        wrong = [f"{self.title} does not take a parameter {name!r}." for name in sorted(set(given) - set(known))]
        values: dict[str, Any] = {}
        for name, parameter in known.items():
            value = given.get(name, parameter.default)
            sentence = _mistake(parameter, value)
            if sentence:
                wrong.append(sentence)
            values[name] = value
        if wrong:
            raise ParametersRefused(wrong)
        return values


def _mistake(parameter: Parameter, value: Any) -> str:
    if value is None:
        return f"{parameter.title} must be given."
    # bool is an int in Python, not for a person
    if not isinstance(value, parameter.kind) or (isinstance(value, bool) and parameter.kind is not bool):
        return f"{parameter.title} is {value!r}; it must be of type {parameter.kind.__name__}."
    return parameter.check(value)


def digest(plan: Plan, parameters: Mapping[str, Any], target: str) -> str:
    """Hex SHA-256 over canonical JSON of what will be done to whom. `parameters` as `checked` gives them."""
    content = {
        "plan": plan.name,
        "version": plan.version,
        "steps": [[step.name, step.title, step.mutating, step.patience, step.every] for step in plan.steps],
        "parameters": dict(parameters),
        "target": target,
        **({"decide": dict(plan.decide)} if plan.decide else {}),
        **({"content": plan.content} if plan.content else {}),
        **({"site": plan.site} if plan.site else {}),
    }
    return hashlib.sha256(canonical(content)).hexdigest()


def canonical(content: Any) -> bytes:
    """JSON with sorted keys and no spaces, so that equal content has equal bytes."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
