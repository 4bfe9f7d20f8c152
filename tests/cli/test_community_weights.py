"""``--weights FILE`` of others on the command line: it says network and scale, and the user is told what it is."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.cli.conftest import Run
from tests.networks.authors_luma import vdsr_state
from tests.networks.authors_rgb import span_state, srvgg_state


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A small SRVGGNetCompact x4 as Real-ESRGAN saves it."""
    torch.save({"params_ema": srvgg_state(4, 8, 2)}, tmp_path / "anime.pth")
    return tmp_path / "anime.pth"


def test_run_takes_network_and_scale_from_the_file(vsr: Run, clips: Path, weights: Path, tmp_path: Path) -> None:
    code, out, _ = vsr(
        "run", clips / "clip.mp4", tmp_path / "out.mkv", "--to", "256x192", "--weights", weights, "--json", "-"
    )
    assert code == 0
    report = json.loads(out)
    assert (report["network"]["name"], report["network"]["scale"], report["network"]["weights"]) == (
        "srvgg",
        4,
        "anime",
    )
    assert (report["frames_out"], report["result"]["width"], report["result"]["height"]) == (12, 256, 192)
    assert (
        "anime.pth: recognised SRVGGNetCompact of Real-ESRGAN, 8 channels, 2 convolutions (srvgg x4)"
        in report["notices"]
    )


def test_a_luma_file_that_does_not_say_its_scale_runs_at_the_one_that_is_asked_for(
    vsr: Run, clips: Path, tmp_path: Path
) -> None:
    torch.save(vdsr_state(["input", "residual_layer.0.conv", "output"]), tmp_path / "vdsr.pth")
    code, out, _ = vsr(
        "run",
        clips / "clip.mp4",
        tmp_path / "out.mkv",
        "--scale",
        "3",
        "--weights",
        tmp_path / "vdsr.pth",
        "--json",
        "-",
    )
    assert code == 0
    report = json.loads(out)
    assert (report["network"]["name"], report["network"]["scale"], report["result"]["width"]) == ("vdsr", 3, 192)


def test_info_tells_what_the_file_is_and_what_a_run_would_do(vsr: Run, clips: Path, weights: Path) -> None:
    code, out, _ = vsr("info", clips / "clip.mp4", "--weights", weights)
    assert code == 0
    assert "network    srvgg x4, weights anime" in out
    assert "recognised SRVGGNetCompact of Real-ESRGAN" in out


def unknown_name(path: Path) -> None:
    torch.save(srvgg_state(4, 8, 2) | {"attention.weight": torch.zeros(3)}, path)


def other_network(path: Path) -> None:
    torch.save(span_state(2), path)


def hostile(path: Path) -> None:
    path.write_bytes(pickle.dumps(pytest.fail, protocol=2))


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (unknown_name, "holds 'attention.weight', which vsr does not know there"),
        (other_network, "holds weights of span x2, not of srvgg"),
        (hostile, "vsr runs nothing from a weights file"),
    ],
)
def test_a_file_that_can_not_be_used_is_one_line_and_no_output(
    write: Callable[[Path], None], words: str, vsr: Run, clips: Path, tmp_path: Path
) -> None:
    write(tmp_path / "theirs.pth")
    output = tmp_path / "out.mkv"
    code, out, err = vsr("run", clips / "clip.mp4", output, "--network", "srvgg", "--weights", tmp_path / "theirs.pth")
    assert (code, out) == (5, "")
    assert words in err
    assert len(err.splitlines()) == 1
    assert not output.exists()
