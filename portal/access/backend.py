"""Who a session belongs to."""

from __future__ import annotations

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User

from portal.access.services.people import read_whole


class PeopleBackend(ModelBackend):
    """Django's own, which reads the roles and preferences along with the account."""

    def get_user(self, user_id: int) -> User | None:
        """The account while it may log in."""
        person = read_whole(user_id)
        return person if person is not None and self.user_can_authenticate(person) else None
