"""The reference's services: contracts, resident services."""
