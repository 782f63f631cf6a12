"""Writes a sample of one probe from a real host or from its latest look, with names redacted, for tests/samples/."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from inventory.models import Host
from inventory.probes import PROBES
from inventory.services.reach import address
from portal.connectors.ssh import Pool
from portal.kernel.output import LookFailed, Output


class Command(BaseCommand):
    """One visit, read only; one folder with stdout, stderr and exit per section, and where it came from."""

    help = "Captures what a probe sees on a host as a test sample: capture HOST PROBE --to FOLDER."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("host")
        parser.add_argument("probe", choices=sorted(name for name, probe in PROBES.items() if probe.target == "host"))
        parser.add_argument("--to", required=True, type=Path, help="a folder that does not exist yet")

    def handle(self, *args: Any, **options: Any) -> None:
        host = Host.objects.select_related("engine").filter(name=options["host"]).first()
        if host is None:
            raise CommandError(f"There is no host {options['host']!r}.")
        folder: Path = options["to"]
        if folder.exists():
            raise CommandError(f"{folder} exists: name a new folder.")
        probe = PROBES[options["probe"]]
        pool = Pool(host.engine.ssh_private_key)
        try:
            outputs = pool.collect(address(host), probe.commands)
        except LookFailed as error:
            raise CommandError(str(error)) from None
        finally:
            pool.close()
        folder.mkdir(parents=True)
        for section, output in outputs.items():
            self._write(folder, section, output, host)
        when = timezone.now().strftime("%Y-%m-%d")
        (folder / "origin").write_text(
            f"Captured on {when} with `manage.py capture`, probe {probe.name}; name and address are replaced.\n",
            encoding="utf-8",
        )
        self.stdout.write(f"{folder}: {len(outputs)} sections. Read them before you share them, and write `expected`.")

    def _write(self, folder: Path, section: str, output: Output, host: Host) -> None:
        for stream, raw in (("stdout", output.stdout), ("stderr", output.stderr)):
            (folder / f"{section}.{stream}").write_bytes(redacted(raw, host))
        code = "" if output.exit_code is None else str(output.exit_code)
        (folder / f"{section}.exit").write_text(f"{code}\n", encoding="utf-8")


def redacted(raw: bytes, host: Host) -> bytes:
    """The host's own names and address as host.example and 192.0.2.1. WWIDs and WWPNs stay: they are the content."""
    for word, instead in ((host.address, b"192.0.2.1"), (host.name, b"host.example")):
        raw = raw.replace(word.encode(), instead)
    return raw
