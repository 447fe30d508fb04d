"""The reference's services: contracts."""
