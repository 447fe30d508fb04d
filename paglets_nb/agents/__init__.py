"""The packaged agents: paglets that do something useful, and show how the patterns are meant."""
