"""Pages of the backups: thin views; what they show comes from backups.services.pages_*."""
