"""Files that people attach to their answers in a drill. The bytes lie in the vault, named by their hash."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from failover.models.prompt import Prompt


class Attachment(models.Model):
    """One file of one answer. kind: a MIME type of failover.catalog.attaching, told from the content."""

    prompt = models.OneToOneField(Prompt, on_delete=models.PROTECT, related_name="file")
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=40)
    size = models.PositiveIntegerField()  # bytes
    sha256 = models.CharField(max_length=64)
    by = models.CharField(max_length=150)
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["pk"]

    def __str__(self) -> str:
        return self.name
