"""User stories on real kernels, one file each."""
