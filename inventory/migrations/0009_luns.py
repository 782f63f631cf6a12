"""What says, without reading facts, that a look brought nothing new; the declared speeds of FC ports."""

from __future__ import annotations

from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("inventory", "0008_cabling_and_settings"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations: ClassVar = [
        migrations.AddField(
            "look", "facts_sha256", models.CharField(blank=True, max_length=64, default=""), preserve_default=False
        ),
        migrations.AddField(
            "look", "mark", models.CharField(blank=True, max_length=64, default=""), preserve_default=False
        ),
        migrations.AddField("look", "numbers", models.JSONField(blank=True, null=True)),
        migrations.AddField("host", "may_read", models.BooleanField(default=False)),
        migrations.CreateModel(
            name="DeclaredPort",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("wwpn", models.CharField(max_length=16)),
                ("gbit", models.FloatField()),
                ("declared_at", models.DateTimeField()),
                (
                    "declared_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "host",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="declared_ports", to="inventory.host"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("host", "wwpn"), name="inventory_declaredport_once"),
                ],
            },
        ),
    ]
