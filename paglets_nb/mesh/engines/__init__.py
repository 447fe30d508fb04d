"""Engines start hosts somewhere and hand back their endpoints; everything above is the same code."""
