"""What every test shares. Sockets are limited to loopback by pytest-socket's options in pyproject.toml."""
