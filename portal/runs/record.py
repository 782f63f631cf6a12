"""The evidence of a Run. Nothing is done that could not be recorded first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import Error, InterfaceError, OperationalError

from portal.evidence import services as evidence
from portal.runs.models import Run


class EvidenceRefused(Exception):
    """The record could not be written, so nothing may be done. Its text is one sentence."""


def subject(run_pk: int) -> str:
    """How the evidence names a Run."""
    return f"run:{run_pk}"


def put(run: Run, kind: str, actor: str, body: Mapping[str, Any] | None = None) -> None:
    """Appends one record about the Run inside the caller's transaction. Raises EvidenceRefused; the transaction is
    then lost as a whole. A database that is away is not a refusal: its error goes through."""
    content = {"ref": run.ref, "plan": run.plan, "target": run.target, **(body or {})}
    if run.change:
        content["change"] = run.change
    try:
        evidence.append(kind, actor, subject(run.pk), content)
    except (OperationalError, InterfaceError):
        raise
    except (Error, TypeError, ValueError, ImproperlyConfigured) as error:
        raise EvidenceRefused(_sentence(error)) from error


def close(run_pk: int) -> None:
    """Signs the chain, as the last act in the transaction that ends a Run. Raises EvidenceRefused."""
    try:
        evidence.seal(subject(run_pk))
    except (OperationalError, InterfaceError):
        raise
    except (Error, TypeError, ValueError, ImproperlyConfigured) as error:
        raise EvidenceRefused(_sentence(error)) from error


def _sentence(error: Exception) -> str:
    # only its kind: the text of a database error may quote the row
    return f"The evidence cannot be written ({type(error).__name__}), so nothing is done: see the portal's log."
