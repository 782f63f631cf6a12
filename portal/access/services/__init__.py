"""People, roles, permissions, denials, tokens, preferences."""

from portal.access.services.people import (
    acts_of,
    add_person,
    give_role,
    may,
    preference_of,
    roles_of,
    take_role,
    title_of,
)
from portal.access.services.tokens import TokenRefused, admit, create_token, revoke_token

__all__ = [
    "TokenRefused",
    "acts_of",
    "add_person",
    "admit",
    "create_token",
    "give_role",
    "may",
    "preference_of",
    "revoke_token",
    "roles_of",
    "take_role",
    "title_of",
]
