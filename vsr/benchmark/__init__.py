"""Speed: each stage alone, all of them together, the machine's roof, and peers beside; what ``vsr bench`` does."""
