"""Prints the JSON Schema of reports, as docs/schema publishes them."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from failover.reports import schema as drill
from failover.reports.period import schema as period

FORMS = {"period": period.schema, "drill": drill.schema}


class Command(BaseCommand):
    """`manage.py report_schema drill > docs/schema/drill-report.json`"""

    help = "Prints the JSON Schema of period reports, or of drill reports."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("form", nargs="?", choices=sorted(FORMS), default="period")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(json.dumps(FORMS[options["form"]](), indent=2, ensure_ascii=False))
