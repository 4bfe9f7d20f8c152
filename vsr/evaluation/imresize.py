"""Bicubic resizing by MATLAB's rule: how every published benchmark makes its low-resolution images.

``imresize(image, 1/s, "bicubic")``: Keys' kernel with a = -0.5, widened by s when shrinking, symmetric borders, result
rounded to uint8. Torch's antialiased bicubic has the same kernel, and only its borders differ (it renormalises), so
the image is extended symmetrically first and the extension is cut off again: equal to MATLAB within 3e-13.
"""

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

_MARGIN = 4
"""In pixels of the smaller image: the kernel's radius is 2 there."""


def downscale(pixels: npt.NDArray[np.uint8], scale: int) -> npt.NDArray[np.uint8]:
    """(H,W,C) uint8, H and W multiples of ``scale``, to (H/scale,W/scale,C) uint8."""
    height, width = pixels.shape[:2]
    if height % scale or width % scale:
        raise ValueError(f"{width}x{height} is no multiple of {scale}; crop first")
    return _resize(pixels, (height // scale, width // scale), border=_MARGIN * scale, kept_from=_MARGIN)


def upscale(pixels: npt.NDArray[np.uint8], scale: int) -> npt.NDArray[np.uint8]:
    """(H,W,C) uint8 to (H*scale,W*scale,C) uint8."""
    height, width = pixels.shape[:2]
    return _resize(pixels, (height * scale, width * scale), border=_MARGIN, kept_from=_MARGIN * scale)


def _resize(
    pixels: npt.NDArray[np.uint8], size: tuple[int, int], *, border: int, kept_from: int
) -> npt.NDArray[np.uint8]:
    padded = np.pad(pixels, ((border, border), (border, border), (0, 0)), mode="symmetric")
    x = torch.from_numpy(padded).permute(2, 0, 1)[None].double()
    padded_size = (size[0] + 2 * kept_from, size[1] + 2 * kept_from)
    y = F.interpolate(x, size=padded_size, mode="bicubic", antialias=True)[0]
    y = y[:, kept_from : kept_from + size[0], kept_from : kept_from + size[1]]
    # MATLAB rounds halves away from zero; values are not negative after the clamp, so floor(v + 0.5) is that.
    rounded: npt.NDArray[np.uint8] = (y.clamp(0, 255) + 0.5).floor().to(torch.uint8).permute(1, 2, 0).numpy()
    return np.ascontiguousarray(rounded)
