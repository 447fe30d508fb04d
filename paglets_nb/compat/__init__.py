"""The import paths of the ``paglets`` reference, for code written against it.

``from paglets.X import Y`` becomes ``from paglets_nb.compat.X import Y``. Thin
re-exports of what exists; nothing in the package imports from here.
"""
