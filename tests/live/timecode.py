"""A frame's number and the moment it was made, drawn into the picture: what arrives tells its own order and delay.

Sixteen columns and four rows of black and white blocks over the top quarter. A block is a sixteenth of the picture each
way: encoders and upscalers leave it its mean, whatever the size. A checksum tells a block that was misread.
"""

import binascii
import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Luma = npt.NDArray[np.uint8]

COLUMNS, ROWS = 16, 4
ROWS_OF_PICTURE = 16
"""A block is this fraction of the picture's height."""
COUNTER_BITS, CLOCK_BITS, CHECK_BITS = 20, 28, 16
BLACK, WHITE = 16, 235
_CLOCK_PERIOD_MS = 1 << CLOCK_BITS


@dataclass(frozen=True)
class Timecode:
    """What is drawn into one frame."""

    counter: int
    """Of the frames that its sender was to make, from 0, modulo 2**20."""
    clock_ms: int
    """time.monotonic() when it was made, which all processes of a machine share, modulo 2**28 (three days)."""

    def age_s(self, seen_s: float) -> float:
        """How old it was when it was seen, at ``seen_s`` of time.monotonic()."""
        age_ms = (seen_s * 1000 - self.clock_ms) % _CLOCK_PERIOD_MS
        # A clock that was rounded up to a millisecond after it was seen is young, not three days old.
        return (age_ms - _CLOCK_PERIOD_MS * (age_ms > _CLOCK_PERIOD_MS / 2)) / 1000


def timecode_now(counter: int) -> Timecode:
    """For a frame that is made now."""
    return Timecode(counter % (1 << COUNTER_BITS), int(time.monotonic() * 1000) % _CLOCK_PERIOD_MS)


def draw(code: Timecode, luma: Luma) -> None:
    """Draw ``code`` over the top quarter of ``luma``, (height, width), at least 80x48."""
    bits = [(_checked(code) >> place) & 1 for place in range(COLUMNS * ROWS)]
    for place, bit in enumerate(bits):
        top, bottom, left, right = _block(place, luma.shape)
        luma[top:bottom, left:right] = WHITE if bit else BLACK


def read(luma: Luma) -> Timecode | None:
    """The timecode of a picture of any size; None where there is none or it can't be read for certain."""
    word = 0
    for place in range(COLUMNS * ROWS):
        top, bottom, left, right = _block(place, luma.shape)
        # Edges belong to the neighbours as much, once compressed: the middle half decides.
        inset_y, inset_x = (bottom - top) // 4, (right - left) // 4
        middle = luma[top + inset_y : bottom - inset_y, left + inset_x : right - inset_x]
        word |= int(middle.mean() > (BLACK + WHITE) / 2) << place
    payload = word >> CHECK_BITS
    code = Timecode(payload >> CLOCK_BITS, payload % _CLOCK_PERIOD_MS)
    return code if _checked(code) == word else None


def _checked(code: Timecode) -> int:
    """All bits: counter, clock, and the checksum of both."""
    payload = code.counter << CLOCK_BITS | code.clock_ms
    check = binascii.crc_hqx(payload.to_bytes((COUNTER_BITS + CLOCK_BITS) // 8, "big"), 0xFFFF)
    return payload << CHECK_BITS | check


def _block(place: int, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of the block of bit ``place``."""
    height, width = shape
    row, column = divmod(place, COLUMNS)
    rows = (round(height * row / ROWS_OF_PICTURE), round(height * (row + 1) / ROWS_OF_PICTURE))
    columns = (round(width * column / COLUMNS), round(width * (column + 1) / COLUMNS))
    return *rows, *columns
