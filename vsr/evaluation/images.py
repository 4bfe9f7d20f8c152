"""Folders of images: which files count, and cropping to what a scale needs."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from vsr.errors import SourceError

SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})


def list_images(folder: Path, pattern: str = "*") -> tuple[Path, ...]:
    """The images of ``folder`` whose names match ``pattern``, sorted by name; SourceError if there are none."""
    if not folder.is_dir():
        what = "it is a file" if folder.exists() else "it does not exist"
        raise SourceError(f"can't read images from {folder}: {what}; give a folder of images")
    try:
        files = sorted(file for file in folder.glob(pattern) if file.suffix.lower() in SUFFIXES and file.is_file())
    except OSError as exc:
        raise SourceError(f"can't read images from {folder}: {exc.strerror or exc}") from exc
    if not files:
        raise SourceError(f"no images in {folder} match '{pattern}'; known suffixes: {' '.join(sorted(SUFFIXES))}")
    return tuple(files)


def crop_to_multiple(pixels: npt.NDArray[np.uint8], scale: int) -> npt.NDArray[np.uint8]:
    """(H,W,3) without the last rows and columns that make H or W no multiple of ``scale``."""
    height, width = pixels.shape[:2]
    return pixels[: height - height % scale, : width - width % scale]
