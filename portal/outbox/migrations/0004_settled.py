"""What was lost is lost until it is settled; until now it was forgotten after seven days."""

from __future__ import annotations

from datetime import timedelta

from django.db import migrations, models
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone


def settle(apps, schema_editor):
    """What was forgotten by age, and what a later message to the same place has followed."""
    mail = apps.get_model("outbox", "Mail")
    same = Q(person=OuterRef("person")) | (Q(address=OuterRef("address")) & ~Q(address=""))
    later = mail.objects.filter(same, channel=OuterRef("channel"), state="sent", ended_at__gt=OuterRef("ended_at"))
    old = Q(ended_at__lt=timezone.now() - timedelta(days=7))
    mail.objects.filter(old | Exists(later), state="failed").update(settled_at=F("ended_at"))


class Migration(migrations.Migration):
    dependencies = [("outbox", "0003_channels")]

    operations = [
        migrations.AddField("mail", "settled_at", models.DateTimeField(blank=True, null=True)),
        migrations.RunPython(settle, migrations.RunPython.noop),
        migrations.AddIndex(
            "mail",
            models.Index(fields=["channel"], condition=Q(state="failed", settled_at=None), name="outbox_lost"),
        ),
        migrations.AddIndex(
            "mail",
            models.Index(fields=["kind", "queued_at"], condition=~Q(state="sent"), name="outbox_unsent"),
        ),
        migrations.AddIndex(
            "mail",
            models.Index(fields=["ended_at"], condition=Q(ended_at__isnull=False), name="outbox_ended"),
        ),
    ]
