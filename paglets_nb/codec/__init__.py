"""Between objects and bytes: dataclasses, class names, shipped code, errors.

The only room that knows msgspec and cloudpickle. It must not know sockets or hosts.
"""
