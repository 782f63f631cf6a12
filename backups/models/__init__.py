"""The tables of backups, by room."""

from backups.models.catalog import Backup, Copy, Missed, Rehearsal
from backups.models.kit import Declared, Kit
from backups.models.policy import Destination, Policy, Recipient
from backups.models.upkeep import Obstacle, Ping

__all__ = [
    "Backup",
    "Copy",
    "Declared",
    "Destination",
    "Kit",
    "Missed",
    "Obstacle",
    "Ping",
    "Policy",
    "Recipient",
    "Rehearsal",
]
