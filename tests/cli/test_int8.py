"""``vsr run --precision int8``: from a clip to a clip, and what is refused before anything is written."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.io.making import Recipe, make
from vsr import backends
from vsr.errors import BackendError, NetworkError

INT8 = ("--backend", "openvino", "--precision", "int8")


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    try:
        backends.get("openvino").precision("cpu", "int8")
    except BackendError as error:
        pytest.skip(str(error))
    return make(tmp_path / "in.mp4", Recipe())


@pytest.mark.parametrize("weights", ["lrsrn_x2_video", "ecbsr_x2_clean"])
def test_a_clip_is_upscaled_in_int8(vsr: Run, clip: Path, tmp_path: Path, weights: str) -> None:
    code, out, err = vsr("run", clip, tmp_path / "out.mkv", *INT8, "--weights", weights, "--json", "-")
    assert code == 0, err
    report = json.loads(out)
    assert (report["backend"], report["precision"]) == ("openvino", "int8")
    assert report["frames_in"] == report["frames_out"] == 10


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--weights espcn_x2_clean", "run vsr calibrate --weights espcn_x2_clean"),
        ("--weights lrsrn_x2_clean --scale 4", "int8 is for one pass"),
    ],
)
def test_weights_that_have_no_int8_form_are_refused(
    vsr: Run, clip: Path, tmp_path: Path, options: str, words: str
) -> None:
    code, _, err = vsr("run", clip, tmp_path / "out.mkv", *INT8, *options.split())
    assert code == NetworkError.exit_code
    assert words in err
    assert not (tmp_path / "out.mkv").exists()


def test_interpolation_stays_exact(vsr: Run, clip: Path, tmp_path: Path) -> None:
    code, out, _ = vsr("run", clip, tmp_path / "out.mkv", *INT8, "--network", "bicubic", "--json", "-")
    assert code == 0
    assert json.loads(out)["precision"] == "fp32"


def test_auto_is_never_int8(vsr: Run, clip: Path, tmp_path: Path) -> None:
    """Its ranges were calibrated on photographs; whoever wants it has to say so."""
    code, out, _ = vsr("run", clip, tmp_path / "out.mkv", "--weights", "lrsrn_x2_video", "--json", "-")
    assert code == 0
    assert json.loads(out)["precision"] != "int8"
