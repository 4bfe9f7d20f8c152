"""Which combinations are measured, and which are refused with a reason."""

from pathlib import Path

import pytest

from vsr.benchmark.cases import make_matrix
from vsr.benchmark.clips import Clip
from vsr.benchmark.spec import BenchSpec
from vsr.errors import BackendError, NetworkError
from vsr.networks import load
from vsr.networks.registry import entry


def spec(**options: object) -> BenchSpec:
    return BenchSpec(**{"backends": ("torch",), "frames": 7, **options})  # type: ignore[arg-type]


def test_every_combination_is_a_case_in_the_order_asked_for(tiny: Clip, tmp_path: Path) -> None:
    matrix = make_matrix(spec(networks=("lrsrn", "ecbsr"), precisions=("fp32", "bf16")), [tiny], tmp_path)
    assert [case.label for case in matrix.cases] == [
        "lrsrn x2 64x48 torch fp32",
        "lrsrn x2 64x48 torch bf16",
        "ecbsr x2 64x48 torch fp32",
        "ecbsr x2 64x48 torch bf16",
    ]
    assert matrix.refused == ()


def test_a_precision_that_a_backend_lacks_is_told_and_the_rest_measured(tiny: Clip, tmp_path: Path) -> None:
    matrix = make_matrix(spec(precisions=("fp32", "int8")), [tiny], tmp_path)
    assert [case.precision for case in matrix.cases] == ["fp32"]
    (reason,) = matrix.refused
    assert reason.startswith("torch int8: ")


def test_nothing_to_measure_is_an_error(tiny: Clip, tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="torch int8"):
        make_matrix(spec(precisions=("int8",)), [tiny], tmp_path)


def test_a_device_that_a_backend_lacks_is_refused_before_measuring(tiny: Clip, tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="no device 'cuda:7'; it has: cpu"):
        make_matrix(spec(networks=("bicubic",), device="cuda:7"), [tiny], tmp_path)


def test_precisions_that_come_out_as_the_same_are_one_case(tiny: Clip, tmp_path: Path) -> None:
    matrix = make_matrix(spec(networks=("bicubic",), precisions=("fp32", "bf16")), [tiny], tmp_path)
    assert [case.precision for case in matrix.cases] == ["fp32"]


def test_untrained_networks_are_measured_only_when_asked(tiny: Clip, tmp_path: Path) -> None:
    assert entry("rtsrn").default_weights(2) is None, "choose another network that ships nothing"
    with pytest.raises(NetworkError, match="no weights ship for rtsrn x2; --untrained"):
        make_matrix(spec(networks=("rtsrn",)), [tiny], tmp_path)
    matrix = make_matrix(spec(networks=("rtsrn",), untrained=True), [tiny], tmp_path)
    assert matrix.facts["rtsrn"].untrained
    first = load("rtsrn", 2, matrix.cases[0].weights)
    assert first.network.scale == 2
    again = make_matrix(spec(networks=("rtsrn",), untrained=True), [tiny], tmp_path)
    assert load("rtsrn", 2, again.cases[0].weights).sha256 == first.sha256


def test_the_facts_of_a_network_are_its_cards(tiny: Clip, tmp_path: Path) -> None:
    facts = make_matrix(spec(networks=("lrsrn",)), [tiny], tmp_path).facts["lrsrn"]
    card = entry("lrsrn").shipped_card("lrsrn_x2_clean")
    assert card is not None
    assert facts.set5_psnr_y == card.scores["Set5"]["psnr_y"]
    assert facts.parameters == card.parameters
    # Each weight of a convolution that runs at every pixel is one multiplication and one addition for it.
    assert facts.gflop_per_pixel == pytest.approx(2 * card.parameters / 1e9, rel=1e-3)
    assert not facts.untrained
