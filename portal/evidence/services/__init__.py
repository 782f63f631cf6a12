"""What the rest of the portal does with the evidence: append, seal, head, export, verify_chain."""

from portal.evidence.canonical import SecretInEvidence
from portal.evidence.services.chain import append, head, seal
from portal.evidence.services.export import Scope, everything_of, export, span
from portal.evidence.services.verify import Verdict, verify_chain

__all__ = [
    "Scope",
    "SecretInEvidence",
    "Verdict",
    "append",
    "everything_of",
    "export",
    "head",
    "seal",
    "span",
    "verify_chain",
]
