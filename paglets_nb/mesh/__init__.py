"""The mesh: hosts in kernels, started, watched, told of each other, driven and ended.

Owns processes and the kernels' channels. What a paglet is, is the business of the rooms below.
"""
