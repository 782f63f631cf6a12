"""Sample directories as parameters: tests/samples/<probe>/<case>/{stdout,stderr,exit,expected,origin}."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portal.kernel.output import Output

TOP = Path(__file__).resolve().parent / "samples"


@dataclass(frozen=True)
class Case:
    """One sample: what came back, and what a reader must make of it."""

    path: Path

    def output(self, name: str = "") -> Output:
        prefix = f"{name}." if name else ""
        return Output(
            stdout=(self.path / f"{prefix}stdout").read_bytes(),
            stderr=self._optional(f"{prefix}stderr"),
            exit_code=int(self._optional(f"{prefix}exit") or b"0"),
        )

    def _optional(self, name: str) -> bytes:
        path = self.path / name
        return path.read_bytes() if path.exists() else b""

    @property
    def expected(self) -> Any:
        return json.loads((self.path / "expected").read_text("utf-8"))

    @property
    def origin(self) -> str:
        return (self.path / "origin").read_text("utf-8")


def cases(probe: str) -> dict[str, Case]:
    """The cases of one probe by name. None at all is an error: a test over nothing proves nothing."""
    found = {path.name: Case(path) for path in sorted((TOP / probe).iterdir()) if path.is_dir()}
    if not found:
        raise ValueError(f"no samples for {probe}")
    return found
