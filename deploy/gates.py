"""The fast gates, side by side: every one runs, every failure is shown, the exit code is 1 if any failed."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

GATES = {
    "format": ("ruff", "format", "--check", "."),
    "lint": ("ruff", "check", "."),
    "types": ("mypy", "portal", "inventory", "backups", "failover", "lab", "deploy", "bench"),
    "imports": ("lint-imports", "--no-cache"),
    "templates": ("djlint", "--check", "--lint", "templates"),
    "migrations": (sys.executable, "manage.py", "makemigrations", "--check", "--dry-run"),
    "shape": (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/test_shape.py"),
}


def gate(name: str) -> tuple[str, int, str, float]:
    """Runs one gate: (name, exit code, output, seconds)."""
    began = time.monotonic()
    done = subprocess.run(GATES[name], capture_output=True, text=True, check=False)
    return name, done.returncode, done.stdout + done.stderr, time.monotonic() - began


def main() -> int:
    """All gates, two at a time."""
    failed = 0
    with ThreadPoolExecutor(2) as pool:
        for name, code, output, took in pool.map(gate, GATES):
            print(f"{'ok  ' if code == 0 else 'FAIL'} {name} {took:.1f} s", flush=True)
            if code:
                failed = 1
                print(output, flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
