"""What a paglet is, for those who write one: state, messages, events, proxies, references.

Owns the vocabulary of the project and its ports (``Codec``, ``Client``, ``PagletContext``).
It must not know bytes, sockets, msgspec, hosts, kernels or notebooks.
"""
