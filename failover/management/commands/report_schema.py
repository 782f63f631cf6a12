"""Prints the JSON Schema of period reports, as docs/schema/period-report.json publishes it."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand

from failover.reports.period.schema import schema


class Command(BaseCommand):
    """`manage.py report_schema > docs/schema/period-report.json`"""

    help = "Prints the JSON Schema of period reports."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(json.dumps(schema(), indent=2, ensure_ascii=False))
