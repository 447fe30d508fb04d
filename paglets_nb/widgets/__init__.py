"""Pictures and widgets: views of objects that work without them.

Owns how things look in a notebook. It must not start, move or end anything that its
user did not ask it to.
"""
