"""The reference's system services: user info."""
