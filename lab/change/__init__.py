"""Change systems: ServiceNow, Jira Service Management, BMC Helix and a signed webhook, as far as a client sees them."""
