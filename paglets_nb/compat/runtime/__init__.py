"""The reference's runtime: the host."""
