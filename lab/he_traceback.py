"""The Python traceback that `--vm-status --json` ends with when there is no broker (facts/hosted-engine.md 2.6).

Written as Python writes it for modules whose source is not installed: frames without source lines.
"""

from __future__ import annotations

_PLACES = {"@S": "/usr/lib/python3.6/site-packages", "@L": "/usr/lib64/python3.6"}
_FIRST = (
    ("@S/ovirt_hosted_engine_setup/vm_status.py", 75, "_get_all_host_stats"),
    ("@S/ovirt_hosted_engine_ha/client/client.py", 146, "get_all_host_stats"),
    ("@S/ovirt_hosted_engine_ha/client/client.py", 94, "get_all_stats"),
    ("@S/ovirt_hosted_engine_ha/lib/brokerlink.py", 143, "get_stats_from_storage"),
    ("@L/xmlrpc/client.py", 1122, "__call__"),
    ("@L/xmlrpc/client.py", 1464, "__request"),
    ("@L/xmlrpc/client.py", 1166, "request"),
    ("@L/xmlrpc/client.py", 1178, "single_request"),
    ("@L/xmlrpc/client.py", 1291, "send_request"),
    ("@L/xmlrpc/client.py", 1321, "send_content"),
    ("@L/http/client.py", 1277, "endheaders"),
    ("@L/http/client.py", 1037, "_send_output"),
    ("@L/http/client.py", 975, "send"),
    ("@S/ovirt_hosted_engine_ha/lib/unixrpc.py", 76, "connect"),
)
_SECOND = (
    ("<frozen runpy>", 198, "_run_module_as_main"),
    ("<frozen runpy>", 88, "_run_code"),
    ("@S/ovirt_hosted_engine_setup/vm_status.py", 216, "<module>"),
    ("@S/ovirt_hosted_engine_setup/vm_status.py", 110, "print_status"),
    ("@S/ovirt_hosted_engine_setup/vm_status.py", 77, "_get_all_host_stats"),
    ("@S/ovirt_hosted_engine_setup/vm_status.py", 63, "log_error"),
    ("@L/json/__init__.py", 346, "loads"),
    ("@L/json/decoder.py", 337, "decode"),
    ("@L/json/decoder.py", 353, "raw_decode"),
)


def frames(calls: tuple[tuple[str, int, str], ...]) -> str:
    """The frames of one traceback, from (path, line, function)."""
    lines = ["Traceback (most recent call last):"]
    for path, line, function in calls:
        head, _, tail = path.partition("/")
        full = f"{_PLACES[head]}/{tail}" if head in _PLACES else path
        lines.append(f'  File "{full}", line {line}, in {function}')
    return "\n".join(lines) + "\n"


def traceback(first_error: str, column: str) -> str:
    """stderr of the failed command: the connection's error, then the error of its own error printer."""
    between = "\nDuring handling of the above exception, another exception occurred:\n\n"
    last = f"json.decoder.JSONDecodeError: Invalid control character at: {column}\n"
    return f"{frames(_FIRST)}{first_error}\n{between}{frames(_SECOND)}{last}"
