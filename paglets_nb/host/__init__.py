"""The runtime in one process: the host, its mailboxes, lifecycle, movement and client.

Owns everything a paglet needs to live. It must not know kernels, meshes or notebooks;
a host works as a plain object in any process.
"""
