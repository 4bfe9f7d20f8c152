"""Video super-resolution."""
