"""The rules of alerting, pure: what lives how long, who is told when, what holds it back."""
