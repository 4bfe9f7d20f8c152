"""Published scores, each with its source, to set beside our own."""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass

from vsr.evaluation.tracks import Track
from vsr.networks import LoadedNetwork, entry

_LRSRN = "LRSRN, NTIRE 2023 Real-Time 4K Super-Resolution challenge"
_SESR = f"{_LRSRN}, which made an RGB network of 23.64K parameters of it"
_LITESRNET = "LiteSRNet, ICIP 2024 (a claim that nobody has reproduced)"
_LESRCNN = "Tian et al., Lightweight image super-resolution with enhanced CNN, Knowledge-Based Systems 205, 2020"
_UPGRADED = "LESRCNN with 3x3 and 5x5 kernels side by side, from its own table"
_DRRN = "Tai et al., Image super-resolution via deep recursive residual network, CVPR 2017"
_ECBSR = "Zhang et al., Edge-oriented convolution block for real-time super resolution on mobile devices, ACM MM 2021"
_TABLED = "tabled as a baseline by the papers of LESRCNN, DRRN and LiteSRNet"
_FSRCNN = "Dong et al., Accelerating the super-resolution convolutional neural network, ECCV 2016"


@dataclass(frozen=True)
class Published:
    """One score of one network on one set of images."""

    network: str
    """Name in the registry."""
    options: tuple[tuple[str, str], ...]
    """What the network was built with, where it could be built otherwise."""
    track: Track
    data: str
    scale: int
    psnr_y: float
    """dB."""
    ssim_y: float | None
    source: str


def published(loaded: LoadedNetwork, track: Track, data: str) -> Published | None:
    """The score of this network on the set ``data`` (a folder's name), or None where none was published.

    B100 and BSD100 are two names of one set.
    """
    wanted = (loaded.network.name, track, _ALIASES.get(data, data), loaded.network.scale)
    for one in SCORES:
        if (one.network, one.track, one.data, one.scale) == wanted and _built_with(loaded, one.options):
            return one
    return None


def _built_with(loaded: LoadedNetwork, options: tuple[tuple[str, str], ...]) -> bool:
    if loaded.card is None:  # nothing says what a file without a card was built with
        return not options
    given = loaded.card.options
    defaults = inspect.signature(entry(loaded.network.name).builder).parameters
    return all(str(given.get(name, defaults[name].default)) == value for name, value in options)


_ALIASES = {"B100": "BSD100", "BSDS100": "BSD100"}
_ROWS: tuple[tuple[str, Track, str, str, str], ...] = (
    # network with its options, track, source, set, PSNR of x2 x3 x4: each with /SSIM where known, "-" where none is
    ("lrsrn", "jpeg", _LRSRN, "Set5", "33.92 30.75 -"),
    ("lrsrn", "jpeg", _LRSRN, "Set14", "30.26 27.51 -"),
    ("lrsrn", "jpeg", _LRSRN, "BSD100", "29.34 26.72 -"),
    ("lrsrn", "jpeg", _LRSRN, "Urban100", "28.11 24.88 -"),
    ("lrsrn", "jpeg", _LRSRN, "DIV2K", "32.41 29.41 -"),
    ("sesr blocks=5", "jpeg", _SESR, "Set5", "33.98 30.84 -"),
    ("scsrn", "jpeg", _LRSRN, "Set5", "33.99 30.84 -"),
    ("rtsrn", "jpeg", _LRSRN, "Set5", "32.31 29.16 -"),
    ("imdn variant=challenge", "jpeg", _LRSRN, "Set5", "34.32 31.32 -"),
    ("litesrnet", "clean", _LITESRNET, "Set5", "- 34.44/.9278 -"),
    ("litesrnet", "clean", _LITESRNET, "Set14", "- 30.36/.8421 -"),
    ("litesrnet", "clean", _LITESRNET, "BSD100", "- 29.11/.8052 -"),
    ("litesrnet", "clean", _LITESRNET, "Urban100", "- 28.30/.8545 -"),
    ("lesrcnn", "clean", _LESRCNN, "Set5", "37.65/.9586 33.93/.9231 31.88/.8903"),
    ("lesrcnn", "clean", _LESRCNN, "Set14", "33.32/.9148 30.12/.8380 28.44/.7772"),
    ("lesrcnn", "clean", _LESRCNN, "BSD100", "31.95/.8964 28.91/.8005 27.45/.7313"),
    ("lesrcnn", "clean", _LESRCNN, "Urban100", "31.45/.9206 27.70/.8415 25.77/.7732"),
    ("lesrcnn-s", "clean", _LESRCNN, "Set5", "37.57 34.05 31.88"),
    ("lesrcnn-s", "clean", _LESRCNN, "Urban100", "31.45 27.76 25.78"),
    ("lesrcnn-upgraded", "clean", _UPGRADED, "Urban100", "31.61/.9226 27.84/.8442 25.81/.7756"),
    ("drrn units=9", "clean", _DRRN, "Set5", "37.66 33.93 31.58"),
    ("drrn units=9", "clean", _DRRN, "Set14", "33.19 29.94 28.18"),
    ("drrn units=9", "clean", _DRRN, "BSD100", "32.01 28.91 27.35"),
    ("drrn units=9", "clean", _DRRN, "Urban100", "31.02 27.38 25.35"),
    ("drrn units=25", "clean", _DRRN, "Set5", "37.74 34.03 31.68"),
    ("drrn units=25", "clean", _DRRN, "Urban100", "31.23 27.53 25.44"),
    ("ecbsr channels=32", "clean", _ECBSR, "Set5", "37.39 - -"),
    ("ecbsr channels=32", "clean", _ECBSR, "Urban100", "30.69 - -"),
    ("bicubic", "clean", _TABLED, "Set5", "33.66 30.39 28.42"),
    ("bicubic", "clean", _TABLED, "Urban100", "26.88 24.46 23.14"),
    ("srcnn middle=5", "clean", _TABLED, "Urban100", "29.50 26.24 24.52"),
    ("fsrcnn", "clean", _FSRCNN, "Set5", "37.00 - -"),
    ("fsrcnn", "clean", _TABLED, "Urban100", "29.88 26.43 24.62"),
    ("espcn", "clean", _TABLED, "Set5", "36.87 32.85 30.66"),
    ("vdsr", "clean", _TABLED, "Urban100", "30.76 27.14 25.18"),
    ("carn-m", "clean", _TABLED, "Urban100", "31.23 27.55 25.62"),
    ("edsr", "clean", _TABLED, "Set5", "- 34.37 -"),
)


def _scores() -> Iterator[Published]:
    for name, track, source, data, row in _ROWS:
        network, *options = name.split()
        built = tuple((key, value) for key, _, value in (option.partition("=") for option in options))
        for scale, cell in zip((2, 3, 4), row.split(), strict=True):
            if cell != "-":
                psnr_y, _, ssim_y = cell.partition("/")
                ssim = float(ssim_y) if ssim_y else None
                yield Published(network, built, track, data, scale, float(psnr_y), ssim, source)


SCORES: tuple[Published, ...] = tuple(_scores())
"""All of them."""
