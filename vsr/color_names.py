"""Names of the colour code points of ITU-T H.273, for people who don't know the numbers by heart."""

_MATRICES = {
    0: "RGB",
    1: "BT.709",
    2: "unspecified",
    4: "FCC",
    5: "BT.470BG (BT.601, 625 lines)",
    6: "SMPTE 170M (BT.601, 525 lines)",
    7: "SMPTE 240M",
    8: "YCgCo",
    9: "BT.2020",
    10: "BT.2020 constant luminance",
    11: "SMPTE 2085",
    12: "chromaticity-derived",
    13: "chromaticity-derived constant luminance",
    14: "ICtCp",
}
_PRIMARIES = {
    1: "BT.709",
    2: "unspecified",
    4: "BT.470M",
    5: "BT.470BG (BT.601, 625 lines)",
    6: "SMPTE 170M (BT.601, 525 lines)",
    7: "SMPTE 240M",
    8: "generic film",
    9: "BT.2020",
    10: "SMPTE 428 (XYZ)",
    11: "SMPTE 431 (DCI-P3)",
    12: "SMPTE 432 (Display P3)",
    22: "EBU 3213",
}
_TRANSFERS = {
    1: "BT.709",
    2: "unspecified",
    4: "gamma 2.2",
    5: "gamma 2.8",
    6: "SMPTE 170M (BT.601)",
    7: "SMPTE 240M",
    8: "linear",
    9: "logarithmic 100:1",
    10: "logarithmic 316:1",
    11: "xvYCC (IEC 61966-2-4)",
    12: "BT.1361",
    13: "sRGB",
    14: "BT.2020, 10-bit",
    15: "BT.2020, 12-bit",
    16: "PQ (SMPTE 2084)",
    17: "SMPTE 428",
    18: "HLG (ARIB STD-B67)",
}
_HDR_TRANSFERS = {16: "PQ", 18: "HLG"}


def matrix_name(code: int) -> str:
    """Of MatrixCoefficients."""
    return _MATRICES.get(code, f"code {code}")


def primaries_name(code: int) -> str:
    """Of ColourPrimaries."""
    return _PRIMARIES.get(code, f"code {code}")


def transfer_name(code: int) -> str:
    """Of TransferCharacteristics."""
    return _TRANSFERS.get(code, f"code {code}")


def hdr_kind(transfer: int) -> str | None:
    """``PQ`` or ``HLG`` for a transfer that means high dynamic range, else None."""
    return _HDR_TRANSFERS.get(transfer)
