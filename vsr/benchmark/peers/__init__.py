"""Peers: other upscalers on the same clips, each a process that decodes, upscales and drops the frames."""
