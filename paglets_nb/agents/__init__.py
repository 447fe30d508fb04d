"""Packaged agents: paglets for jobs that come up in every mesh, each in a module of its own."""
