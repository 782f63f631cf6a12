"""The estate's tables."""

from inventory.models.cabling import Cabling
from inventory.models.declared import DeclaredPort
from inventory.models.device import ApprovedCopy, Device
from inventory.models.estate import Cluster, Engine, Host, Site, Vm
from inventory.models.looks import Capture, Finding, Look, Rollup, Transition
from inventory.models.oracle import ApprovedTuning, OracleVm
from inventory.models.storage import Attachment, DeclaredPath, EngineEvent, HostLun, Lun, StorageDomain

__all__ = [
    "ApprovedCopy",
    "ApprovedTuning",
    "Attachment",
    "Cabling",
    "Capture",
    "Cluster",
    "DeclaredPath",
    "DeclaredPort",
    "Device",
    "Engine",
    "EngineEvent",
    "Finding",
    "Host",
    "HostLun",
    "Look",
    "Lun",
    "OracleVm",
    "Rollup",
    "Site",
    "StorageDomain",
    "Transition",
    "Vm",
]
