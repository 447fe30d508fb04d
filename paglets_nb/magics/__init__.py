"""The ``%paglet`` and ``%%paglet`` magics.

Owns how a line or a cell becomes calls of the mesh, and how mistakes are told in one
line. It must not know how hosts run or messages travel.
"""
