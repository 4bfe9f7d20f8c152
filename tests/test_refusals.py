"""Wrong input at the command line: one clear line, the documented exit code, no traceback, no file left."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.container import OutputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame

from tests.conftest import stage_threads
from tests.io.making import Recipe, make
from vsr.cli.app import main
from vsr.frames import PixelLayout, Plane
from vsr.io import formats

USAGE, SOURCE, SINK, NETWORK, BACKEND = 2, 3, 4, 5, 6
Make = Callable[[Path], Path]
Refuse = Callable[..., str]


@pytest.fixture
def refuse(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Refuse]:
    """Run ``vsr`` in a folder of its own; give back the line it says. Standard error is the process's, C included."""
    place = tmp_path / "work"
    place.mkdir()
    monkeypatch.chdir(place)

    def run(*arguments: str, code: int) -> str:
        before = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*"))
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main(list(arguments))
        said = capfd.readouterr()
        lines = said.err.splitlines()
        last = lines[-1] if lines else ""
        assert left.value.code == code, said.err
        assert [line for line in lines if not line.startswith("vsr: note: ")] == [last]
        assert last.startswith("vsr: ")
        assert len(last) > len("vsr: ") + 15
        assert "Traceback" not in said.err
        assert not said.out
        assert sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*")) == before
        assert stage_threads() == []
        return last

    yield run


def write(name: str, content: bytes) -> Make:
    def make_it(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return make_it


def twelve_seconds(file: Path) -> Path:
    """A frame a second."""
    return make(file, Recipe(pts=range(12), rate=Fraction(1), time_base=Fraction(1), options={"g": "1"}))


def cut_short(suffix: str) -> Make:
    """Twelve seconds, of which the second half of the bytes is gone."""

    def make_it(folder: Path) -> Path:
        whole = twelve_seconds(folder / f"whole{suffix}")
        cut = folder / f"cut{suffix}"
        cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
        return cut

    return make_it


def audio_only(folder: Path) -> Path:
    """Silence in an MP4."""
    with av.open(str(folder / "song.m4a"), "w", format="mp4") as output:
        add_silence(output)
    return folder / "song.m4a"


def cover_only(folder: Path) -> Path:
    """Silence with a cover picture, as music players have them."""
    with av.open(str(folder / "song.mp4"), "w") as output:
        cover = output.add_stream("png", rate=1)
        cover.width, cover.height, cover.pix_fmt = 32, 32, "rgb24"
        cover.disposition = Disposition.attached_pic
        picture = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), "rgb24")
        packets = [*cover.encode(picture), *cover.encode(None)]
        add_silence(output)
        for packet in packets:
            output.mux(packet)
    return folder / "song.mp4"


def add_silence(output: OutputContainer) -> None:
    audio = output.add_stream("aac", rate=48000)
    for index in range(10):
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48000, 1024 * index, Fraction(1, 48000)
        output.mux(audio.encode(frame))
    output.mux(audio.encode(None))


def missing(folder: Path) -> Path:
    return folder / "missing.mp4"


SOURCES: dict[str, tuple[Make, str]] = {
    "missing": (missing, "does not exist"),
    "empty": (write("empty.mp4", b""), "is empty"),
    "text": (write("text.mp4", b"Dear diary,\ntoday I was no video.\n" * 20), "not a video"),
    "noise": (write("noise.mkv", np.random.default_rng(0).bytes(5000)), "not a video"),
    "zeros": (write("zeros.ts", bytes(5000)), "not a video"),
    "script": (write("script.mp4", b"#EXTM3U\n"), "is an HLS or M3U playlist"),
    "audio-only": (audio_only, "has no video stream; it has: audio"),
    "cover-only": (cover_only, "has no video stream besides cover pictures"),
    "cut-mp4": (cut_short(".mp4"), "damaged or cut short"),
    "cut-mkv": (cut_short(".mkv"), "cut short"),
    "cut-avi": (cut_short(".avi"), "cut short"),
    "header-only": (write("header.mkv", bytes.fromhex("1a45dfa3a3428681014282886d6174726f736b61")), ""),
    "half-a-picture": (write("half.png", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), ""),
    "folder": (lambda folder: folder, "is a folder"),
    "sequence": (lambda folder: folder / "frame_%04d.png", ""),
    "address": (lambda folder: Path("no-such-protocol:"), "does not exist"),
}


@pytest.mark.parametrize("case", SOURCES)
@pytest.mark.parametrize("output", ["out.mkv", "out_%03d.png"])
def test_a_source_that_is_no_video(case: str, output: str, refuse: Refuse, tmp_path: Path) -> None:
    make_it, words = SOURCES[case]
    if case == "folder":
        (tmp_path / "videos").mkdir()
        (tmp_path / "out.file").write_text("a file, so not a folder for a folder's results", encoding="utf-8")
        line = refuse("run", str(tmp_path / "videos"), str(tmp_path / "out.file"), code=USAGE)
        assert words in line
        return
    line = refuse("run", str(make_it(tmp_path)), output, "--network", "bicubic", code=SOURCE)
    assert words in line


def test_a_source_without_permission(refuse: Refuse, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("the superuser may read everything")
    source = write("secret.mp4", b"secret")(tmp_path)
    source.chmod(0)
    assert "permission denied" in refuse("run", str(source), "out.mp4", code=SOURCE)


def test_a_folder_without_videos(refuse: Refuse, tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    assert "holds no video" in refuse("run", str(tmp_path / "videos"), str(tmp_path / "results"), code=SOURCE)


OUTPUTS: dict[str, tuple[str, int, str]] = {
    "no-folder": ("absent/out.mp4", SINK, "the folder absent does not exist"),
    "file-as-folder": ("note.txt/out.mp4", SINK, "the folder note.txt does not exist"),
    "no-extension": ("out", SINK, "has no extension"),
    "unknown-extension": ("out.xyz", SINK, "no container is known for '.xyz'"),
    "audio-extension": ("out.mp3", SINK, "hold no video"),
    "text-extension": ("out.srt", SINK, "hold no video"),
    "playlist": ("out.m3u8", SINK, "is a list of files"),
    "manifest": ("out.mpd", SINK, "is a list of files"),
    "address": ("rtmp://localhost/live", USAGE, "is a network address"),
    "itself": ("source.mp4", USAGE, "is the source itself"),
    "itself-by-link": ("link.mp4", USAGE, "is the source itself"),
    "exists": ("there.mkv", USAGE, "exists already; --overwrite replaces it"),
    "one-picture": ("out.png", USAGE, "is one picture, the source a video"),
}


@pytest.mark.parametrize("case", OUTPUTS)
def test_an_output_that_cannot_be(case: str, refuse: Refuse, clips: Path) -> None:
    shutil.copy(clips / "clip.mp4", "source.mp4")
    Path("link.mp4").symlink_to("source.mp4")
    Path("there.mkv").write_text("something", encoding="utf-8")
    Path("note.txt").write_text("something", encoding="utf-8")
    output, code, words = OUTPUTS[case]
    assert words in refuse("run", "source.mp4", output, "--network", "bicubic", code=code)
    assert Path("there.mkv").read_text(encoding="utf-8") == "something"


TOO_LONG = "a" * 300 + ".mp4"


@pytest.mark.parametrize("place", ["source", "output", "report"])
def test_a_name_too_long_for_the_system(place: str, refuse: Refuse, clips: Path) -> None:
    source = TOO_LONG if place == "source" else str(clips / "clip.mp4")
    report = ["--json", TOO_LONG] if place == "report" else []
    output = TOO_LONG if place == "output" else "out.mp4"
    assert "File name too long" in refuse("run", source, output, "--network", "bicubic", *report, code=1)


@pytest.mark.parametrize(("arguments", "words"), [(["", "out"], "of the source"), (["clip.mp4", ""], "of the output")])
def test_an_empty_name_is_not_this_folder(arguments: list[str], words: str, refuse: Refuse) -> None:
    assert words in refuse("run", *arguments, code=USAGE)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no disk that is always full")
def test_what_is_printed_onto_a_full_disk(clips: Path) -> None:
    command = [sys.executable, "-m", "vsr", "info", str(clips / "clip.mp4")]
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (1, "vsr: No space left on device\n")


def test_an_output_folder_without_permission(refuse: Refuse, clips: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("the superuser may write everywhere")
    Path("closed").mkdir(mode=0o500)
    assert "not writable" in refuse("run", str(clips / "clip.mp4"), "closed/out.mp4", code=SINK)


OPTIONS: dict[str, tuple[int, str]] = {
    "--codec libx266": (SINK, "no encoder 'libx266'"),
    "--codec aac": (USAGE, "encodes audio, not video"),
    "--codec h264_nvenc": (SINK, "h264_nvenc can't be used here"),
    "--codec libvpx-vp9 --pix-fmt rgb48le": (USAGE, "does not take --pix-fmt rgb48le"),
    "--encoder-opt no-such=1": (USAGE, "has no option 'no-such'"),
    "--encoder-opt tune": (USAGE, "give KEY=VALUE"),
    "--encoder-opt =1": (USAGE, "give KEY=VALUE"),
    "--encoder-opt tune=nonsense": (USAGE, "nonsense"),
    "--preset reckless": (USAGE, "reckless"),
    "--codec ffv1 --preset fast": (USAGE, "has no presets"),
    "--codec ffv1 --crf 10": (USAGE, "no rate factor"),
    "--crf nan": (USAGE, "--crf is nan"),
    "--crf low": (USAGE, "--crf"),
    "--pix-fmt yuv420p99": (USAGE, "does not take --pix-fmt yuv420p99"),
    "--pix-fmt yuv411p": (USAGE, "does not take --pix-fmt yuv411p"),
    "--codec rawvideo --pix-fmt nonsense": (USAGE, "nonsense"),
    "--scale 5": (USAGE, "scale 5 is not supported; choose 2, 3 or 4"),
    "--scale 0": (USAGE, "scale 0 is not supported"),
    "--scale two": (USAGE, "--scale"),
    "--to huge": (USAGE, "--to is 'huge'"),
    "--to 0x0": (USAGE, "--to is '0x0'"),
    "--to 99999x99999": (USAGE, "at most 16 times"),
    "--scale 2 --to 4k": (USAGE, "exclude each other"),
    "--network magic": (NETWORK, "no network 'magic'"),
    "--network lrsrn --weights absent": (NETWORK, "no weights 'absent'"),
    "--network bicubic --weights lrsrn_x2_clean": (NETWORK, "takes no weights"),
    "--backend abacus": (BACKEND, "no backend 'abacus'"),
    "--device tpu": (BACKEND, "no device 'tpu'"),
    "--device cuda:99": (BACKEND, "no device 'cuda:99'"),
    "--network lrsrn --device cpu --precision fp16": (BACKEND, "no fp16 on a CPU"),
    "--network lrsrn --backend torch --device cpu --precision fp16": (BACKEND, "fp16 needs a GPU"),
    "--network lrsrn --backend torch --precision int8": (BACKEND, "no int8"),
    "--precision int3": (USAGE, "--precision is 'int3'"),
    "--interlaced weave": (USAGE, "--interlaced is 'weave'"),
    "--hwaccel metal": (USAGE, "--hwaccel is 'metal'"),
    "--hwaccel cuda": (BACKEND, "--hwaccel cuda can't be used here"),
    "--frame-rate fast": (USAGE, "--frame-rate is 'fast'"),
    "--frame-rate 0": (USAGE, "must be more than 0"),
    "--batch-size 0": (USAGE, "--batch-size is 0"),
    "--strip-rows -1": (USAGE, "--strip-rows is -1"),
    "--video-stream 7": (SOURCE, "stream #7"),
    "--video-stream 1": (SOURCE, "stream #1"),
    "--pipeline fastest": (USAGE, "no pipeline preset 'fastest'"),
    "--no-such-option": (USAGE, "--no-such-option"),
    "--json absent/report.json": (SINK, "report"),
}


@pytest.mark.parametrize("options", OPTIONS)
def test_an_option_that_makes_no_sense(options: str, refuse: Refuse, clips: Path) -> None:
    code, words = OPTIONS[options]
    arguments = options.split()
    network = [] if "--network" in arguments else ["--network", "bicubic"]
    assert words in refuse("run", str(clips / "clip.mp4"), "out.mkv", *network, *arguments, code=code)


@pytest.mark.parametrize("options", ["--codec h264_nvenc", "--hwaccel cuda", "--device tpu", "--preset fast"])
def test_numbered_pictures_that_cannot_begin_leave_no_folder(options: str, refuse: Refuse, clips: Path) -> None:
    code = {"--codec h264_nvenc": SINK, "--preset fast": USAGE}.get(options, BACKEND)
    refuse("run", str(clips / "clip.mp4"), "out_%03d.png", "--network", "bicubic", *options.split(), code=code)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["run"], "source"), (["run", "a.mp4"], "output"), (["fly"], "fly"), (["--nonsense"], "--nonsense")],
)
def test_a_command_line_that_is_not_whole(arguments: list[str], words: str, refuse: Refuse) -> None:
    assert words in refuse(*arguments, code=USAGE)


def test_ctrl_c_is_one_line_and_exit_code_130(refuse: Refuse, clips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real signal, sent while frames flow."""
    planes_of, seen = formats.planes_of, []

    def interrupting(frame: VideoFrame, layout: PixelLayout) -> tuple[Plane, ...]:
        seen.append(frame.pts)
        if len(seen) == 5:
            os.kill(os.getpid(), signal.SIGINT)
        return planes_of(frame, layout)

    monkeypatch.setattr(formats, "planes_of", interrupting)
    assert "interrupted" in refuse("run", str(clips / "clip.mp4"), "out.mp4", "--network", "bicubic", code=130)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi"])
def test_what_is_right_is_not_refused(suffix: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The counterpart: exit code 0, not a word on standard error, and the output alone."""
    source, output = twelve_seconds(tmp_path / f"source{suffix}"), tmp_path / f"out{suffix}"
    capfd.readouterr()
    with pytest.raises(SystemExit) as left:
        main(["run", str(source), str(output), "--network", "bicubic"])
    said = capfd.readouterr()
    assert (left.value.code, said.err) == (0, "")
    assert "12 frames" in said.out
    assert sorted(path.name for path in tmp_path.iterdir()) == [output.name, source.name]
