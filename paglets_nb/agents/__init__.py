"""Packaged agents that show the patterns at work, each with its workflow in its own file.

They stand on hosts and patterns and must not know the mesh's kernels, IPython or widgets.
"""
