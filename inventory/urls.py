"""Routes of the pages."""

from __future__ import annotations

from django.urls import path

from inventory.views import (
    devices,
    engine,
    estate_acts,
    findings,
    hosts,
    looks,
    luns,
    overview,
    records,
    redundancy,
    replication,
    sections,
    topology,
    tuning,
    vms,
)

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("engine/", engine.engine, name="engine"),
    path("engine/<int:pk>/look/", estate_acts.look_engine, name="engine-look-now"),
    path("hosts/", hosts.hosts, name="hosts"),
    path("hosts/<int:pk>/", hosts.host, name="host"),
    path("hosts/<int:pk>/declare/", estate_acts.declare, name="host-declare"),
    path("hosts/<int:pk>/key/", estate_acts.host_key, name="host-key"),
    path("hosts/<int:pk>/look/", estate_acts.look_host, name="host-look-now"),
    path("vms/", vms.vms, name="vms"),
    path("vms/<int:pk>/", vms.vm, name="vm"),
    path("vms/<int:pk>/approve/", tuning.approve, name="tuning-approve"),
    path("tuning/", tuning.tuning, name="tuning"),
    path("luns/", luns.luns, name="luns"),
    path("luns/<int:pk>/", luns.lun, name="lun"),
    path("replication/", replication.replication, name="replication"),
    path("replication/<int:engine>/approve/", replication.approve, name="replication-approve"),
    path("devices/", devices.devices, name="devices"),
    path("devices/<int:pk>/", devices.device, name="device"),
    path("devices/<int:pk>/certificate/", devices.pin, name="device-pin"),
    path("topology/", topology.topology, name="topology"),
    path("topology.svg", topology.topology_svg, name="topology-svg"),
    path("topology.png", topology.topology_png, name="topology-png"),
    path("redundancy/", redundancy.redundancy, name="redundancy"),
    path("findings/", findings.findings, name="findings"),
    path("findings/changes/", findings.changes, name="changes"),
    path("looks/<int:pk>/", looks.look, name="look"),
    path("looks/<int:pk>/raw/<str:section>/<slug:stream>/", looks.look_stream, name="look-stream"),
    path("captures/<slug:sha>/", looks.capture, name="capture"),
    path("captures/<slug:sha>/raw/<str:section>/<slug:stream>/", looks.capture_stream, name="capture-stream"),
    path("evidence/", records.records, name="evidence"),
    path("evidence/<int:number>/", records.record, name="record"),
    path("help/keys/", sections.keys, name="keys"),
]
