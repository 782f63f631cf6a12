"""The tables of backups, by room."""

from backups.models.catalog import Backup, Copy, Missed, Rehearsal
from backups.models.kit import Declared, Kit
from backups.models.policy import Destination, Policy, Recipient

__all__ = ["Backup", "Copy", "Declared", "Destination", "Kit", "Missed", "Policy", "Recipient", "Rehearsal"]
