"""Mail that the portal owes to people: kept until the mail server has it."""
