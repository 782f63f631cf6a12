"""The estate's tables."""

from inventory.models.estate import Cluster, Engine, Host, Site, Vm
from inventory.models.looks import Capture, Finding, Look, Rollup, Transition
from inventory.models.storage import Attachment, DeclaredPath, EngineEvent, HostLun, Lun, StorageDomain

__all__ = [
    "Attachment",
    "Capture",
    "Cluster",
    "DeclaredPath",
    "Engine",
    "EngineEvent",
    "Finding",
    "Host",
    "HostLun",
    "Look",
    "Lun",
    "Rollup",
    "Site",
    "StorageDomain",
    "Transition",
    "Vm",
]
