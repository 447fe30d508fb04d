"""Contracts between paglets: typed operations, what a service offers, how it is looked up.

Owns the typed face of messages. It must not know msgspec, sockets or hosts.
"""
