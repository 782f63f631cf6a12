"""The plans about hosts. Found by being here (portal.runs.registry)."""

from __future__ import annotations

from inventory.steps import bundle_clean_up, bundle_collect, bundle_fetch, bundle_folder
from portal.kernel.plan import Parameter, Plan


def _lines(value: int) -> str:
    return "" if 100 <= value <= 200_000 else f"Lines of each log is {value}; it must be 100 to 200000."


SUPPORT_BUNDLE = Plan(
    name="support_bundle",
    title="Support bundle",
    version=1,
    targets=("host",),
    parameters=(Parameter("log_lines", "Lines of each log", int, 5_000, _lines),),
    steps=(bundle_folder.STEP, bundle_collect.STEP, bundle_fetch.STEP, bundle_clean_up.STEP),
)

PLANS = (SUPPORT_BUNDLE,)
