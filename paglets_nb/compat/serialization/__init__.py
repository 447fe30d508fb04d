"""The reference's serialization: codec."""
