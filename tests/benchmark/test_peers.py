"""Peers: what they run, what they refuse, and what they tell."""

import importlib
import json
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.benchmark.conftest import SPEC
from vsr.benchmark.cases import Case
from vsr.benchmark.clips import Clip
from vsr.benchmark.peers import ffmpeg_lanczos, opencv, vs_mlrt, vs_mlrt_script
from vsr.benchmark.peers.choosing import make_contenders
from vsr.benchmark.peers.contender import Contender
from vsr.benchmark.spec import BenchSpec
from vsr.errors import BackendError, UsageError
from vsr.io.scaler import lanczos
from vsr.io.source import VideoSource
from vsr.notices import Notices
from vsr.spec import PipelineSpec


def test_ffmpeg_scales_every_frame(tiny: Clip) -> None:
    with VideoSource(PipelineSpec(str(tiny.path), ""), Notices()) as source:
        scaled = list(lanczos(source, source.info, 128, 96))
    assert [(frame.width, frame.height, frame.format.name) for frame in scaled] == [(128, 96, "yuv420p")] * SPEC.frames
    assert scaled[0].to_ndarray().std() > 10


def test_ffmpeg_lanczos_tells_when_each_frame_was_done(tiny: Clip, capsys: pytest.CaptureFixture[str]) -> None:
    (contender,) = ffmpeg_lanczos.contenders([tiny], 2)
    assert contender.label == "ffmpeg-lanczos 64x48 x2"
    assert contender.command[:2] == (sys.executable, "-m")
    module = importlib.import_module(contender.command[2])
    module.main(contender.command[3], int(contender.command[4]))
    answer = json.loads(capsys.readouterr().out)
    assert len(answer["laps_s"]) == SPEC.frames
    assert answer["laps_s"] == sorted(answer["laps_s"])
    assert answer["wall_s"] >= answer["laps_s"][-1]


def test_a_contender_is_a_process_that_prints_its_laps() -> None:
    answer = json.dumps({"laps_s": [0.1, 0.2], "wall_s": 0.25, "cpu_s": 0.5})
    timing = Contender("peer", "x2", 64, 48, ("echo", answer)).measure()
    assert (timing.frames, timing.wall_s, timing.cpu_s) == (2, 0.25, 0.5)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (None, "--peer-model is None"),
        ("absent_x2.pb", "absent_x2.pb"),
        ("mine.pb", "does not say its network and scale"),
        ("FSRCNN_x3.pb", "upscales by 3, the benchmark by 2"),
    ],
)
def test_opencv_needs_a_fitting_model(tiny: Clip, tmp_path: Path, model: str | None, words: str) -> None:
    for name in ("mine.pb", "FSRCNN_x3.pb"):
        (tmp_path / name).touch()
    with pytest.raises(UsageError, match=words):
        opencv.contenders([tiny], None if model is None else tmp_path / model, 2)


@pytest.mark.parametrize(
    ("module", "words"),
    [(None, "needs OpenCV"), (SimpleNamespace(__version__="5.0"), "this OpenCV 5.0 lacks")],
)
def test_opencv_says_what_to_install(
    tiny: Clip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: ModuleType | None, words: str
) -> None:
    (tmp_path / "FSRCNN_x2.pb").touch()
    monkeypatch.setitem(sys.modules, "cv2", module)
    with pytest.raises(BackendError, match=rf"{words}.*pip install opencv-contrib-python-headless"):
        opencv.contenders([tiny], tmp_path / "FSRCNN_x2.pb", 2)


class SuperRes:
    """Counts what OpenCV would upscale."""

    def __init__(self) -> None:
        self.said: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: self.said.append((name, *arguments))


def test_opencv_upscales_every_frame_once_after_a_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    network = SuperRes()

    class Capture:
        def __init__(self, _: str) -> None:
            self.frames = iter(range(3))

        def read(self) -> tuple[bool, int | None]:
            frame = next(self.frames, None)
            return frame is not None, frame

    creation = SimpleNamespace(DnnSuperResImpl_create=lambda: network)
    monkeypatch.setitem(sys.modules, "cv2", SimpleNamespace(VideoCapture=Capture, dnn_superres=creation))
    opencv.main("clip.mkv", Path("FSRCNN-small_x2.pb"))
    assert network.said == [
        ("readModel", "FSRCNN-small_x2.pb"),
        ("setModel", "fsrcnn", 2),
        *[("upsample", index) for index in (0, 0, 1, 2)],
    ]
    assert len(json.loads(capsys.readouterr().out)["laps_s"]) == 3


def test_vs_mlrt_says_what_to_install(tiny: Clip, case: Case, tmp_path: Path) -> None:
    with pytest.raises(BackendError, match=r"Python 3.12 or newer, pip install vapoursynth vapoursynth-mlrt-ov"):
        vs_mlrt.contenders([tiny], [case], tmp_path / "no-python", tmp_path)


def test_vs_mlrt_runs_each_network_and_precision_once_at_each_number_of_streams(
    tiny: Clip, case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported = []
    monkeypatch.setattr(vs_mlrt, "_check", lambda _: None)
    monkeypatch.setattr(vs_mlrt, "run_export", lambda spec: exported.append((spec.network, spec.as_rgb)))
    cases = [replace(case, precision=precision, backend=backend) for precision in ("bf16", "int8") for backend in "ab"]
    found = vs_mlrt.contenders([tiny], cases, Path("python3.12"), tmp_path)
    assert exported == [("bicubic", True)]
    assert [contender.setting for contender in found] == ["bicubic x2 bf16, 1 stream", "bicubic x2 bf16, 2 streams"]
    interpreter, script, job = found[1].command
    assert interpreter == "python3.12"
    assert Path(script).is_file()
    assert {key: value for key, value in json.loads(job).items() if key not in {"clip", "network"}} == {
        "matrix": 6, "precision": "bf16", "streams": 2,
    }  # fmt: skip
    with pytest.raises(UsageError, match="vs-mlrt runs fp32 and bf16"):
        vs_mlrt.contenders([tiny], [cases[2]], Path("python3.12"), tmp_path)


class FakeCore:
    """Records the calls that make a clip; every call gives a clip of three frames."""

    def __init__(self, calls: list[tuple[str, dict[str, Any]]], path: str = "core"):
        self._calls, self._path = calls, path

    def __getattr__(self, name: str) -> "FakeCore":
        return FakeCore(self._calls, f"{self._path}.{name}")

    def __call__(self, *_: object, **options: Any) -> SimpleNamespace:
        self._calls.append((self._path, options))
        frame = SimpleNamespace(close=lambda: None)
        return SimpleNamespace(
            format=SimpleNamespace(id=420), get_frame=lambda _: frame, frames=lambda close: iter([frame] * 3)
        )


def test_the_script_of_vs_mlrt_converts_as_the_clip_is_tagged(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls: list[tuple[str, dict[str, Any]]] = []
    fake: Any = SimpleNamespace(core=FakeCore(calls), RGBS="rgbs", MatrixCoefficients=lambda code: f"matrix {code}")
    monkeypatch.setitem(sys.modules, "vapoursynth", fake)
    job = {"clip": "c.mkv", "network": "n.onnx", "matrix": 1, "precision": "fp32", "streams": 2}
    monkeypatch.setattr(sys, "argv", ["script", json.dumps(job)])
    vs_mlrt_script.main()
    assert json.loads(capsys.readouterr().out)["frames"] == 3
    source, to_rgb, model, back = calls
    assert source[0] == "core.bs.VideoSource"
    assert to_rgb == ("core.resize.Bicubic", {"format": "rgbs", "matrix_in": "matrix 1"})
    assert (model[0], model[1]["num_streams"]) == ("core.ov.Model", 2)
    assert model[1]["config"]() == {"INFERENCE_PRECISION_HINT": "f32"}
    assert back == ("core.resize.Bicubic", {"format": 420, "matrix": "matrix 1"})


def test_each_peer_that_is_asked_for_runs_once(tiny: Clip, case: Case, tmp_path: Path) -> None:
    spec = BenchSpec(peers=("ffmpeg-lanczos", "ffmpeg-lanczos"))
    assert [contender.peer for contender in make_contenders(spec, [tiny], [case], tmp_path)] == ["ffmpeg-lanczos"]
