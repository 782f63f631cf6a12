"""The picture of the SAN: what stands on it (parts, compose), where (place, routes), and as what marks (marks, svg,
png). Pure: the proof and names in, geometry out; colour stands in static/holdfast/topology.css (docs/adr/0031)."""
