"""The wrong site: an engine that is meant at production and acted on at DR, or the other way round (docs/adr/0024)."""

from __future__ import annotations

from inventory.models import Engine, Site
from portal.kernel.plan import Plan


def asked() -> bool:
    """Whether people have to name the site: with one site there is no wrong one."""
    return Site.objects.count() > 1


def wrong(engine: Engine, named: str) -> str:
    """ "" or why the site that somebody named is not the engine's. named: "" when nobody was asked."""
    site = engine.site
    if not named.strip() or named.strip().casefold() == site.name.casefold():
        return ""
    words = f"{engine.name} stands at {site.name} ({site.get_role_display()}), not at {named.strip()[:80]}"
    return f"{words}. Nothing was done: go to the engine that is meant."


def unnamed(engine: Engine, named: str) -> str:
    """As `wrong`; and where there are several sites, one must be named."""
    if asked() and not named.strip():
        words = f"Type {engine.site.name} to confirm at which site {engine.name} stands"
        return f"{words}: it is a {engine.site.get_role_display()} site. Nothing was done."
    return wrong(engine, named)


def of_target(target: str) -> str:
    """The name of the site at which a Run's target stands (settings.HOLDFAST_SITE_OF); "" when it stands at none."""
    kind, _, key = target.partition(":")
    if not key.isdecimal():
        return ""
    engines, number = Engine.objects.select_related("site"), int(key)
    rows = {
        "engine": engines.filter(pk=number),
        "she": engines.filter(pk=number),
        "catalog": engines.filter(pk=number),
        "host": engines.filter(hosts=number),
        "backup": engines.filter(backups=number),
    }
    found = rows.get(kind, engines.none()).first()
    return found.site.name if found else ""


def elsewhere(plan: Plan, engine: Engine) -> str:
    """ "" or why a plan that is marked for sites of one role does not run at this engine's."""
    site = engine.site
    if plan.site in ("", site.role):
        return ""
    words = f"{plan.title} is marked for {plan.site} sites, and {engine.name} stands at {site.name}"
    return f"{words}, which is a {site.get_role_display()} site. It does not run there."
