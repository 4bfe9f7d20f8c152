"""The mean colour of DIV2K's training images, which EDSR and its successors take from the input and give back."""

MEAN = (0.4488, 0.4371, 0.4040)
"""Of R, G and B in [0, 1]."""
