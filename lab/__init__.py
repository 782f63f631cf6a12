"""The lab: an embedded estate behind real protocols. It imports nothing of the portal, and the portal nothing of it."""
