"""The lab's oVirt engine: SSO, REST API v4, events and actions over HTTPS, obeying facts/engine-api.md."""
