"""Files of others load: the authors' names and shapes with made-up values give what the authors' maths gives."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.networks import authors_luma as luma
from tests.networks import authors_rgb as rgb
from tests.networks.authors import State
from vsr.networks import NetworkEntry, available
from vsr.networks.checkpoint_files import without_prefix
from vsr.networks.layouts import LAYOUTS
from vsr.networks.loading import open_weights


@dataclass(frozen=True)
class Case:
    """One layout at one scale."""

    name: str
    state: Callable[[], State]
    maths: Callable[[State, Tensor, int], Tensor]
    network: str
    scale: int
    words: str
    """Part of what vsr says that it is."""
    says_scale: bool = True

    @property
    def channels(self) -> int:
        return 1 if self.network in ("srcnn", "fsrcnn", "espcn", "vdsr", "drrn") else 3


SRCNN_YJN, SRCNN_LORNA = ("conv1", "conv2", "conv3"), ("features.0", "map.0", "reconstruction")
ESPCN_YJN = ("first_part.0", "first_part.2", "last_part.0")
ESPCN_LORNA = ("feature_maps.0", "feature_maps.2", "sub_pixel.0")

CASES = [
    Case("lrsrn", rgb.lrsrn_x2, rgb.lrsrn, "lrsrn", 2, "LRSRN of its authors"),
    Case("lrsrn-advanced", rgb.lrsrn_x3, rgb.lrsrn, "lrsrn", 3, "LRSRN of its authors"),
    Case("lrsrn-deployed", rgb.lrsrn_deployed, rgb.lrsrn, "lrsrn", 4, "LRSRN of its authors"),
    Case("litesrnet-x2", lambda: rgb.litesrnet_state((64, 3, 2, 2)), rgb.litesrnet, "litesrnet", 2, "repeat 12 times"),
    Case("litesrnet-x3", lambda: rgb.litesrnet_state((64, 3, 3, 3)), rgb.litesrnet, "litesrnet", 3, "repeat 6 times"),
    Case(
        "litesrnet-x4",
        lambda: rgb.litesrnet_state((64, 32, 2, 2), (32, 3, 2, 2)),
        rgb.litesrnet,
        "litesrnet",
        4,
        "repeat 8 times",
    ),
    Case("lesrcnn-s-x2", lambda: rgb.lesrcnn_state(("up.body.0", 256)), rgb.lesrcnn, "lesrcnn-s", 2, "LESRCNN-S"),
    Case("lesrcnn-s-x3", lambda: rgb.lesrcnn_state(("up.body.0", 576)), rgb.lesrcnn, "lesrcnn-s", 3, "LESRCNN-S"),
    Case(
        "lesrcnn-s-x4",
        lambda: rgb.lesrcnn_state(("up.body.0", 256), ("up.body.2", 256)),
        rgb.lesrcnn,
        "lesrcnn-s",
        4,
        "LESRCNN-S",
    ),
    Case("imdn", lambda: rgb.imdn_state(3), rgb.imdn, "imdn", 3, "IMDN of its authors"),
    Case("imdn-kair", lambda: rgb.kair_imdn_state(4), rgb.kair_imdn, "imdn", 4, "NTIRE"),
    Case("animevideov3", lambda: rgb.srvgg_state(4), rgb.srvgg, "srvgg", 4, "64 channels, 16 convolutions"),
    Case("srvgg-small", lambda: rgb.srvgg_state(2, 24, 3), rgb.srvgg, "srvgg", 2, "24 channels, 3 convolutions"),
    Case("span", lambda: rgb.span_state(4), rgb.span, "span", 4, "SPAN, 12 channels"),
    Case("span-collapsed", lambda: rgb.span_collapsed(2), rgb.span, "span", 2, "SPAN, 12 channels"),
    Case(
        "span-no-norm",
        lambda: rgb.span_state(2) | {"no_norm": torch.zeros(1)},
        rgb.span,
        "span",
        2,
        "on the input as it is",
    ),
    Case("srcnn-yjn", lambda: luma.srcnn_state(SRCNN_YJN, 5), luma.srcnn(SRCNN_YJN), "srcnn", 3, "9-5-5", False),
    Case("srcnn-lorna", lambda: luma.srcnn_state(SRCNN_LORNA, 1), luma.srcnn(SRCNN_LORNA), "srcnn", 2, "9-1-5", False),
    Case(
        "fsrcnn-yjn",
        lambda: luma.fsrcnn_state(luma.FSRCNN_YJN),
        luma.fsrcnn(luma.FSRCNN_YJN),
        "fsrcnn",
        3,
        "FSRCNN(56,12,4)",
        False,
    ),
    Case(
        "fsrcnn-lorna",
        lambda: luma.fsrcnn_state(luma.FSRCNN_LORNA),
        luma.fsrcnn(luma.FSRCNN_LORNA),
        "fsrcnn",
        2,
        "FSRCNN(56,12,4)",
        False,
    ),
    Case("espcn-yjn", lambda: luma.espcn_state(ESPCN_YJN, 3), luma.espcn(ESPCN_YJN), "espcn", 3, "ESPCN with tanh"),
    Case(
        "espcn-lorna", lambda: luma.espcn_state(ESPCN_LORNA, 2), luma.espcn(ESPCN_LORNA), "espcn", 2, "ESPCN with tanh"
    ),
    Case(
        "vdsr-twtygqyy",
        lambda: luma.vdsr_state(luma.VDSR_TWTY),
        luma.vdsr(luma.VDSR_TWTY),
        "vdsr",
        2,
        "VDSR of 20 layers",
        False,
    ),
    Case(
        "vdsr-lorna",
        lambda: luma.vdsr_state(luma.VDSR_LORNA),
        luma.vdsr(luma.VDSR_LORNA),
        "vdsr",
        3,
        "VDSR of 20 layers",
        False,
    ),
    Case("drrn-jt", lambda: luma.drrn_state(luma.DRRN_JT), luma.drrn(luma.DRRN_JT, 25), "drrn", 2, "25 units", False),
    Case("drrn-yjn", lambda: luma.drrn_state(luma.DRRN_YJN), luma.drrn(luma.DRRN_YJN, 9), "drrn", 2, "9 units", False),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_file_of_others_gives_what_their_maths_gives(case: Case, tmp_path: Path) -> None:
    torch.manual_seed(1)
    state = case.state()
    torch.save(state, tmp_path / "theirs.pth")
    file = open_weights(tmp_path / "theirs.pth")
    assert (file.network, file.says_scale) == (case.network, case.says_scale)
    assert file.scales == ((case.scale,) if case.says_scale else (2, 3, 4))
    loaded = file.load(case.scale)
    assert (loaded.network.name, loaded.network.scale, loaded.network.training) == (case.network, case.scale, False)
    assert loaded.recognised is not None
    assert case.words in loaded.recognised
    assert f"{case.network} x{case.scale}" in loaded.recognised
    x = torch.rand(2, case.channels, 7, 6)
    with torch.no_grad():
        expected = case.maths(state, x, case.scale)
        # A picture that is all but flat would prove nothing.
        assert expected.std(dim=(2, 3)).max() > 1e-2 * expected.abs().max()
        torch.testing.assert_close(loaded.network(x), expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


def test_every_layout_is_among_the_cases() -> None:
    states = [without_prefix(case.state()) for case in CASES]
    assert all(any(layout.matches(state) for state in states) for layout in LAYOUTS)


@pytest.mark.parametrize("one", [one for one in available() if one.trained], ids=lambda one: one.name)
def test_no_layout_takes_our_own_files_for_its_own(one: NetworkEntry) -> None:
    for scale in one.scales:
        tensors = one.build(scale).deploy().state_dict()
        assert not [layout.title for layout in LAYOUTS if layout.matches(tensors)]
