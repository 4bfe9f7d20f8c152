"""The display matrix: scaled along with the picture, or turned into filters that rotate the samples themselves."""

from fractions import Fraction

_LARGEST = (1 << 31) - 1


def scaled(matrix: tuple[int, ...], factor_x: Fraction, factor_y: Fraction) -> tuple[int, ...]:
    """The matrix for a picture ``factor`` times as large: its translation grows, its rotation stays.

    A translation grows no further than its field: only a damaged one is that large.
    """
    a, b, u, c, d, v, x, y, w = matrix
    if a == 0:
        factor_x, factor_y = factor_y, factor_x
    x, y = (min(max(round(n), -_LARGEST), _LARGEST) for n in (x * factor_x, y * factor_y))
    return (a, b, u, c, d, v, x, y, w)


def filters(matrix: tuple[int, ...]) -> list[tuple[str, str | None]]:
    """FFmpeg filters (name, arguments) that show the picture upright; empty for an angle that is no quarter turn."""
    a, b, _, c, d, *_ = matrix
    if a == 0 and d == 0:
        direction = {(True, False): "clock", (False, True): "cclock", (True, True): "cclock_flip"}
        return [("transpose", direction.get((b > 0, c > 0), "clock_flip"))]
    if b == 0 and c == 0:
        flips: list[tuple[str, str | None]] = [("hflip", None)] if a < 0 else []
        return [*flips, ("vflip", None)] if d < 0 else flips
    return []


def describe(matrix: tuple[int, ...]) -> str:
    """In words, for reports."""
    steps = filters(matrix)
    if not steps:
        return "an oblique display matrix"
    words = {
        "clock": "a quarter turn clockwise",
        "cclock": "a quarter turn anticlockwise",
        "cclock_flip": "a quarter turn anticlockwise and a vertical flip",
        "clock_flip": "a quarter turn clockwise and a vertical flip",
    }
    if steps[0][0] == "transpose":
        return words[str(steps[0][1])]
    return "half a turn" if len(steps) == 2 else {"hflip": "a horizontal flip", "vflip": "a vertical flip"}[steps[0][0]]
