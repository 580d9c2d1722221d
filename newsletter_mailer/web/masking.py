"""Addresses on pages that a forwarded mail may open for somebody else."""


def masked(address: str) -> str:
    """Enough for its owner to know an address by: `a•••@example.org`."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}•••@{domain}"
