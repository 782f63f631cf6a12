"""GET of data centres, clusters, tags and jobs."""

from __future__ import annotations

from collections.abc import Callable

from lab.engine import shapes_estate, shapes_log
from lab.engine.ask import Ask, empties, tags_by_id
from lab.engine.reads_storage import the_domain
from lab.engine.search import select
from lab.engine.shapes import API, collection, part
from lab.engine.wire import not_found


def centre_domains(ask: Ask) -> str:
    """GET /datacenters/{id}/storagedomains: the only place with a status."""
    world = ask.engine.world
    order = sorted(world.domains, key=lambda key: str(world.domains[key].get("name")))
    return collection("storage_domains", [the_domain(ask, key, world.data_center_id) for key in order])


def centre(ask: Ask) -> str:
    """One data centre with what is followed."""
    follow = ask.follow("datacenters")
    inline = part(centre_domains(ask)) if "storage_domains" in follow else ""
    if "clusters" in follow:
        inline += part(collection("clusters", [shapes_estate.cluster(ask.engine, "", ask.all_content)]))
    return empties(ask, "datacenters", shapes_estate.data_center(ask.engine, inline))


def cluster(ask: Ask) -> str:
    """One cluster with what is followed."""
    follow = ask.follow("clusters")
    inline = ""
    if "affinity_groups" in follow:
        inline = part(collection("affinity_groups", shapes_estate.affinity_groups(ask.engine)))
    return empties(ask, "clusters", shapes_estate.cluster(ask.engine, inline, ask.all_content))


def cluster_networks(ask: Ask) -> str:
    """GET /clusters/{id}/networks: the only place that says which network is required."""
    world = ask.engine.world
    return collection("networks", shapes_estate.networks(ask.engine, f"{API}/clusters/{world.cluster_id}"))


def listed(tag: str, make: Callable[[Ask], str]) -> Callable[[Ask], str]:
    """A list of exactly one object."""
    return lambda ask: collection(tag, select([make(ask)], ask.query, lambda _: {"name": "Default"}, "name"))


def only(attribute: str, make: Callable[[Ask], str]) -> Callable[[Ask], str]:
    """The one object of its kind, or 404."""

    def single(ask: Ask) -> str:
        if ask.path[1] != getattr(ask.engine.world, attribute):
            raise not_found()
        return make(ask)

    return single


def tags(ask: Ask) -> str:
    """GET /tags: flat, with parents."""
    names = ["root", *sorted(shapes_estate.tags_of(ask.engine.world))]
    return collection("tags", [shapes_estate.tag(name) for name in names])


def tags_of(ask: Ask) -> str:
    """GET /hosts|vms/{id}/tags."""
    place, identifier = ask.path[:2]
    known = identifier in ask.engine.world.vms if place == "vms" else ask.engine.host(identifier) is not None
    if not known:
        raise not_found()
    names = tags_by_id(ask.engine).get(identifier, [])
    return collection("tags", [shapes_estate.tag(name, f"{API}/{place}/{identifier}") for name in names])


def _job_text(ask: Ask, identifier: str) -> str:
    row = ask.engine.world.jobs[identifier]
    steps = part(collection("steps", [shapes_log.step(identifier, row)])) if "steps" in ask.follow("jobs") else ""
    return shapes_log.job(identifier, row, steps)


def jobs(ask: Ask) -> str:
    """GET /jobs."""
    rows = ask.engine.world.jobs
    chosen = select(list(rows), ask.query, lambda key: {"description": rows[key]["description"]}, "")
    return collection("jobs", [_job_text(ask, key) for key in chosen])


def job(ask: Ask) -> str:
    """GET /jobs/{id} (and its steps)."""
    identifier = ask.path[1]
    if identifier not in ask.engine.world.jobs:
        raise not_found()
    if len(ask.path) > 2:
        return collection("steps", [shapes_log.step(identifier, ask.engine.world.jobs[identifier])])
    return _job_text(ask, identifier)
