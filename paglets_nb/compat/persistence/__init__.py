"""The reference's persistence: policies of deactivation, persistent storage."""
