"""Steps of plans about hosts, one file each. Pure."""
