"""Frames on sockets: connections, the caller's pool, the listening side.

Moves bytes and knows no message, no paglet and no encoding of either.
"""
