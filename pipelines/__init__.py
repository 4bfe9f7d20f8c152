"""Presets of ``vsr run --pipeline NAME``, as package data."""
