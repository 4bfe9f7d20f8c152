"""Pictures as data URIs within a budget: lossless while there is room, then finely quantised, then their middle."""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from vsr.comparison.rendering import Rgb
from vsr.io import still

PAGE_BUDGET = 64_000_000
"""Characters of all pictures of a page, at most."""


@dataclass(frozen=True)
class Embedded:
    """The pictures of one moment, all encoded alike."""

    uris: tuple[str, ...]
    width: int
    height: int
    how: str
    """In words: ``lossless (PNG)``, ``JPEG``, and what was cut off."""


@dataclass(frozen=True)
class _Encoding:
    name: str
    mime: str
    encode: Callable[[Rgb], bytes]


_LOSSLESS = _Encoding("lossless (PNG)", "image/png", still.png)
# The first differs from lossless by about a code a sample; the second shows when it is enlarged.
_LOSSY = tuple(_Encoding(f"JPEG, quantiser {q}", "image/jpeg", partial(still.jpeg, quantiser=q)) for q in (2, 6))


def embed(pictures: Sequence[Rgb], budget: int, *, lossy: bool) -> Embedded:
    """Encode pictures of one size into at most ``budget`` characters, which must hold a picture of one pixel.

    The finest of these that fits: PNG; JPEG where ``lossy`` allows it; the same of their middle, half as wide and high.
    """
    whole = pictures[0].shape
    while True:
        height, width = pictures[0].shape[:2]
        for encoding in (_LOSSLESS, *(_LOSSY if lossy else ())):
            uris = _within(budget, pictures, encoding)
            if uris is not None:
                cut = "" if pictures[0].shape == whole else f", the middle {width}x{height} of {whole[1]}x{whole[0]}"
                return Embedded(uris, width, height, encoding.name + cut)
        pictures = [_middle(picture) for picture in pictures]


def _within(budget: int, pictures: Sequence[Rgb], encoding: _Encoding) -> tuple[str, ...] | None:
    """The pictures as data URIs, or None as soon as they are too long."""
    uris: list[str] = []
    for picture in pictures:
        uris.append(f"data:{encoding.mime};base64,{base64.b64encode(encoding.encode(picture)).decode('ascii')}")
        budget -= len(uris[-1])
        if budget < 0:
            return None
    return tuple(uris)


def _middle(picture: Rgb) -> Rgb:
    height, width = picture.shape[:2]
    top, left = height // 4, width // 4
    return picture[top : top + max(height // 2, 1), left : left + max(width // 2, 1)]
