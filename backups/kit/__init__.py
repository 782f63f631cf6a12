"""The recovery-day kit: what must be at hand when portal and engine are gone. Pure, as backups/catalog is."""
