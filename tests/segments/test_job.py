"""A run in pieces goes on, whatever it was that ended it, and what it goes on from is never of mixed origin."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from tests.io.making import Recipe, make
from tests.segments.runs import EVEN, FRAMES, Stopped, in_pieces, spec_of, stop_at
from vsr.errors import SinkError, SourceError, UsageError, VsrError
from vsr.notices import Notices
from vsr.pipeline import Progress
from vsr.report import RunReport
from vsr.segments import job
from vsr.segments.crew import LocalCrew
from vsr.segments.place import Place


@pytest.mark.parametrize("source", ["even.mp4", "one gop.mp4", "without times.h264", "uneven.mkv"])
def test_a_run_that_was_ended_goes_on(source: str, sources: Path, folder: Path) -> None:
    in_pieces(sources / source, folder / "whole.mkv")
    for frame in (3, 20, 21, 40, FRAMES):
        with pytest.raises(Stopped):
            in_pieces(sources / source, folder / "out.mkv", progress=stop_at(frame))
        assert not (folder / "out.mkv").exists()
    report = in_pieces(sources / source, folder / "out.mkv")
    assert report.segments is not None
    assert report.segments.kept >= report.segments.total - 1
    assert (folder / "out.mkv").read_bytes() == (folder / "whole.mkv").read_bytes()
    assert report.frames_out == FRAMES


def left_behind(sources: Path, folder: Path, **options: Any) -> Path:
    """The folder of a run that was ended with some pieces done."""
    with pytest.raises(Stopped):
        in_pieces(sources / "even.mp4", folder / "out.mkv", progress=stop_at(40), **options)
    return folder / "out.mkv.vsr"


def finish(sources: Path, folder: Path, **options: Any) -> RunReport:
    return in_pieces(sources / "even.mp4", folder / "out.mkv", **options)


def test_an_ended_run_says_what_is_kept(sources: Path, folder: Path) -> None:
    notices = Notices()
    with pytest.raises(Stopped):
        job.run(spec_of(sources / "even.mp4", folder / "out.mkv"), notices=notices, progress=stop_at(40))
    assert re.match(r"\d of 5 pieces are kept in .*out\.mkv\.vsr; the same command goes on", notices.said[-1])
    finish(sources, folder)


def test_an_ended_restart_says_how_to_keep_its_pieces(sources: Path, folder: Path) -> None:
    notices = Notices()
    with pytest.raises(Stopped):
        spec = spec_of(sources / "even.mp4", folder / "out.mkv", restart=True)
        job.run(spec, notices=notices, progress=stop_at(40))
    assert notices.said[-1].endswith("the same command without --restart goes on from there")


def test_a_folder_that_goes_away_ends_the_run_in_words(sources: Path, folder: Path) -> None:
    """Deleted, or on a disk that was pulled out."""
    place, notices = folder / "out.mkv.vsr", Notices()

    def pull_out(state: Progress) -> None:
        if state.frames == 25:
            shutil.rmtree(place)

    with pytest.raises(SinkError, match=r"\.piece can't be "):
        job.run(spec_of(sources / "even.mp4", folder / "out.mkv"), notices=notices, progress=pull_out)
    assert notices.said[-1] == f"{place} is gone, and with it the pieces"
    assert list(folder.iterdir()) == []


def test_what_the_container_cannot_hold_is_said_before_the_work(sources: Path, folder: Path) -> None:
    """Hours before the joining, where the other streams are written."""
    said: list[str] = []
    notices = Notices(said.append)
    before: list[list[str]] = []
    spec = spec_of(sources / "uneven.mkv", folder / "out.avi")
    job.run(spec, notices=notices, progress=lambda _: before.append([*said]))
    assert any("stream #3" in text for text in before[0]), before[0]
    assert said.count(before[0][-1]) == 1


def test_what_the_container_refuses_is_refused_before_the_work(sources: Path, folder: Path) -> None:
    frames: list[Progress] = []
    with pytest.raises(SinkError, match="can't be written with flv1"):
        in_pieces(sources / "even.mp4", folder / "out.swf", codec="flv1", progress=frames.append)
    assert frames == []
    assert list(folder.iterdir()) == []


def test_nothing_is_left_where_no_piece_was_finished(sources: Path, folder: Path) -> None:
    with pytest.raises(Stopped):
        in_pieces(sources / "even.mp4", folder / "out.mkv", progress=stop_at(2))
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"crf": 30, "codec": "libx264"}, "codec was mpeg4 and is libx264"),
        ({"scale": 3}, "width was 128 and is 192"),
        ({"segment_s": 1}, "segment was 0.5 and is 1"),
        ({"encoder_options": {"g": "5"}}, "encoder option g was None and is 5"),
        ({"scale": None, "to": "128x100"}, "sample aspect ratio was 1 and is 25/24"),
    ],
)
def test_other_settings_are_refused_with_both_ways_out(
    changed: dict[str, Any], words: str, sources: Path, folder: Path
) -> None:
    left_behind(sources, folder)
    with pytest.raises(UsageError, match=f"{words}.*--restart"):
        finish(sources, folder, **changed)
    report = finish(sources, folder, restart=True, **changed)
    assert report.segments is None or report.segments.kept == 0


def test_what_a_cluster_is_asked_for_is_a_setting(sources: Path, folder: Path) -> None:
    """Its machines choose by themselves: what this one would take is none."""
    options: dict[str, Any] = {"cluster": "auto", "precision": "fp32"}
    with pytest.raises(Stopped):
        job.run(spec_of(sources / "even.mp4", folder / "out.mkv", **options), crew=LocalCrew(), progress=stop_at(40))
    other = spec_of(sources / "even.mp4", folder / "out.mkv", **{**options, "precision": "bf16"})
    with pytest.raises(UsageError, match="precision was fp32 and is bf16"):
        job.run(other, crew=LocalCrew())
    report = job.run(spec_of(sources / "even.mp4", folder / "out.mkv", **options), crew=LocalCrew())
    assert report.precision == "fp32"


def test_another_source_is_refused(sources: Path, folder: Path, tmp_path: Path) -> None:
    source = tmp_path / "source.mp4"
    source.write_bytes((sources / "even.mp4").read_bytes())
    with pytest.raises(Stopped):
        in_pieces(source, folder / "out.mkv", progress=stop_at(40))
    make(source, Recipe(pts=EVEN, options={"g": "10", "bf": "2", "crf": "40"}))
    with pytest.raises(UsageError, match="pieces of another source"):
        in_pieces(source, folder / "out.mkv")
    in_pieces(source, folder / "out.mkv", restart=True)


def test_a_source_that_changes_meanwhile_ends_the_run(sources: Path, folder: Path, tmp_path: Path) -> None:
    """With several workers, or a piece at a time, whoever opens it next would read the other film."""
    source = tmp_path / "source.mp4"
    source.write_bytes((sources / "even.mp4").read_bytes())

    def change(state: Progress) -> None:
        if state.frames == 25:
            make(source, Recipe(pts=EVEN, audio=("aac",), options={"g": "10", "bf": "2", "crf": "40"}))

    with pytest.raises(SourceError, match=r"source\.mp4 was changed while it was upscaled \(bytes was \d+ and is \d+"):
        in_pieces(source, folder / "out.mkv", progress=change)
    with pytest.raises(UsageError, match="pieces of another source"):
        in_pieces(source, folder / "out.mkv")
    in_pieces(source, folder / "out.mkv", restart=True)


@pytest.mark.parametrize(
    "name", ["a: b.mkv", "file:out.mkv", "100%.mkv", "100%/out.mkv", "50%d/out.mkv", "ä" * 120 + ".mkv"]
)
def test_names_that_mean_something_to_others(
    name: str, sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    output = Path(name)
    output.parent.mkdir(exist_ok=True)
    with pytest.raises(Stopped):
        in_pieces(sources / "even.mp4", output, progress=stop_at(40))
    assert [path.name for path in output.parent.iterdir()] == [f"{output.name}.vsr"]
    in_pieces(sources / "even.mp4", output)
    assert [path.name for path in output.parent.iterdir()] == [output.name]


def test_what_restarting_cannot_begin_throws_nothing_away(sources: Path, folder: Path) -> None:
    place = left_behind(sources, folder)
    before = sorted(path.name for path in place.iterdir())
    with pytest.raises(SourceError):
        in_pieces(sources / "none.mp4", folder / "out.mkv", restart=True)
    assert sorted(path.name for path in place.iterdir()) == before
    finish(sources, folder)


def test_what_a_killed_run_was_writing_is_swept_up(sources: Path, folder: Path) -> None:
    place = left_behind(sources, folder)
    left = [place / name for name in ("000003.piece.0123abcd.part", ".000003.piece.01.part", ".manifest.json.0f.part")]
    for path in left:
        path.write_bytes(b"half")

    def look(state: Progress) -> None:
        assert not any(path.exists() for path in left)

    finish(sources, folder, progress=look)


@pytest.mark.parametrize("damage", ["shortened", "changed", "gone", "link"])
def test_a_damaged_piece_is_made_again(damage: str, sources: Path, folder: Path, tmp_path: Path) -> None:
    in_pieces(sources / "even.mp4", folder / "whole.mkv")
    piece = left_behind(sources, folder) / "000000.piece"
    content = piece.read_bytes()
    piece.unlink()
    if damage == "shortened":
        piece.write_bytes(content[:-1])
    elif damage == "changed":
        piece.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif damage == "link":
        (tmp_path / "elsewhere").write_bytes(content)
        piece.symlink_to(tmp_path / "elsewhere")
    report = finish(sources, folder)
    assert report.segments is not None
    assert report.segments.kept < report.segments.total - 1
    assert (folder / "out.mkv").read_bytes() == (folder / "whole.mkv").read_bytes()
    assert damage != "link" or (tmp_path / "elsewhere").read_bytes() == content


def test_two_runs_do_not_work_on_one_output(sources: Path, folder: Path) -> None:
    place = left_behind(sources, folder)
    with FileLock(place / "lock"), pytest.raises(UsageError, match="another vsr is at work"):
        finish(sources, folder)
    finish(sources, folder)


def test_an_output_that_got_its_name_before_its_folder_went(
    sources: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(place: Place) -> None:
        if (folder / "out.mkv").exists():
            raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr(Place, "clear", stop)
        with pytest.raises(Stopped):
            finish(sources, folder)
    before = (folder / "out.mkv").read_bytes()
    report = finish(sources, folder)
    assert report.segments is not None
    assert report.segments.kept == report.segments.total
    assert (folder / "out.mkv").read_bytes() == before


def test_an_existing_output_is_refused_before_the_work(sources: Path, folder: Path) -> None:
    (folder / "out.mkv").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="exists already"):
        finish(sources, folder)
    assert (folder / "out.mkv").read_text(encoding="utf-8") == "mine"
    finish(sources, folder, overwrite=True)


def test_what_is_not_ours_stays(sources: Path, folder: Path) -> None:
    place = left_behind(sources, folder)
    (place / "notes.txt").write_text("mine", encoding="utf-8")
    finish(sources, folder)
    assert [path.name for path in place.iterdir()] == ["notes.txt"]
    (place / "notes.txt").unlink()
    place.rmdir()


def test_a_source_that_is_cut_short_is_refused_before_any_work(sources: Path, folder: Path, tmp_path: Path) -> None:
    content = (sources / "uneven.mkv").read_bytes()
    (tmp_path / "cut.mkv").write_bytes(content[: len(content) // 2])
    frames: list[int] = []
    with pytest.raises(VsrError, match="cut short"):
        in_pieces(tmp_path / "cut.mkv", folder / "out.mkv", progress=lambda state: frames.append(state.frames))
    assert frames == []
