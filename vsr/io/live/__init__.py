"""Live sources and sinks that speak FFmpeg: opened, lost, found again."""
