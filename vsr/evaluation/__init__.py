"""Measuring networks on still images as the literature does."""
