"""The patterns: small, additive layers over the raw paglet runtime.

They use only the core and services rooms, which proves that the public API is enough.
"""
