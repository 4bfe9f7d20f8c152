"""A folder in, a folder out: each video and picture by itself; one that fails does not stop the others."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Lock

from vsr.errors import SinkError, SourceError, UsageError, VsrError
from vsr.io.opening import PICTURE_SUFFIXES, is_pattern
from vsr.notices import Notices
from vsr.report import RunReport
from vsr.segments.contract import Crew
from vsr.segments.crew import is_spread, open_crew
from vsr.segments.job import run
from vsr.segments.place import Place
from vsr.spec import PipelineSpec

VIDEO_SUFFIXES = frozenset({
    ".3gp", ".asf", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".ogv",
    ".ts", ".vob", ".webm", ".wmv", ".y4m",
})  # fmt: skip


_JOBS = 16
"""Files at once, at most: each is read, cut and joined by this process, whoever upscales it."""


def run_folder(spec: PipelineSpec, *, tell: Callable[[str], None] | None = None) -> list[RunReport]:
    """Upscale every media file of ``spec.source`` into the folder ``spec.output`` under its own name.

    Files whose output is there are left, which is told, unless ``spec.overwrite``: the same call again goes on after
    whatever ended it. Other files are named and left too. A file that fails is told and the rest go on; the first
    such error is raised at the end. With several devices or a cluster several files are made at once. Raises
    UsageError when both folders are one, SourceError when there is nothing to do.
    """
    source, output = Path(spec.source), Path(spec.output)
    if output.exists() and not output.is_dir():
        raise UsageError(f"{source} is a folder, so the output must be one; {output} is a file")
    if output.exists() and output.samefile(source):
        raise UsageError(f"the output folder is the source folder {source} itself; choose another")
    say = _one_at_a_time(tell)
    files = _media_files(source, say)
    try:
        output.mkdir(exist_ok=True)
    except OSError as exc:
        raise SinkError(f"the folder {output} can't be created: {exc.strerror}") from exc
    missing = [file for file in files if spec.overwrite or not _is_done(output / file.name)]
    if len(missing) < len(files):
        say(f"{len(files) - len(missing)} of {len(files)} files are in {output} already; --overwrite makes them anew")
    if not missing:
        return []
    results = _run_all([_of_file(spec, file, output / file.name) for file in missing], say)
    reports = [result for result in results if isinstance(result, RunReport)]
    failures = [result for result in results if isinstance(result, VsrError)]
    say(f"{len(reports)} of {len(missing)} files done")
    if failures:
        raise type(failures[0])(f"{len(failures)} of {len(missing)} files failed, the first: {failures[0]}")
    return reports


def _one_at_a_time(tell: Callable[[str], None] | None) -> Callable[[str], None]:
    """``tell`` for several threads."""
    lock = Lock()

    def say(text: str) -> None:
        with lock:
            if tell is not None:
                tell(text)

    return say


def _is_done(output: Path) -> bool:
    """A file has its name only when it is whole; pieces beside it were still to be removed, or are of a new run."""
    if not output.is_file() or not output.stat().st_size:
        return False
    place = Place(str(output))
    if place.exists and not place.begun:  # killed while it was clearing up
        with suppress(VsrError), place:
            place.clear()
    return not place.exists


def _of_file(spec: PipelineSpec, file: Path, output: Path) -> PipelineSpec:
    """``spec`` for one file; what it says of the encoder is meant for the videos."""
    spec = replace(spec, source=str(file), output=str(output))
    if file.suffix.lower() not in PICTURE_SUFFIXES:
        return spec
    return replace(spec, codec=None, crf=None, preset=None, pix_fmt=None, encoder_options=())


def _run_all(specs: list[PipelineSpec], say: Callable[[str], None]) -> list[RunReport | VsrError]:
    """What became of each file; one after another, or several at once where there are several workers."""
    if not is_spread(specs[0]):
        return [_run(spec, None, say) for spec in specs]
    # The crew is left first: then nobody waits for it any more, on Ctrl-C too.
    with ThreadPoolExecutor(_JOBS, "file") as threads, open_crew(specs[0]) as crew:
        try:
            return list(threads.map(lambda spec: _run(spec, crew, say), specs))
        finally:
            threads.shutdown(wait=False, cancel_futures=True)


def _run(spec: PipelineSpec, crew: Crew | None, say: Callable[[str], None]) -> RunReport | VsrError:
    name = Path(spec.source).name
    say(f"{name}: begun")
    try:
        return run(spec, notices=Notices(lambda text: say(f"{name}: {text}")), crew=crew)
    except VsrError as error:
        say(f"{name}: failed: {error}")
        return error


def _media_files(folder: Path, say: Callable[[str], None]) -> list[Path]:
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    media = []
    for path in files:
        if path.suffix.lower() not in VIDEO_SUFFIXES | PICTURE_SUFFIXES:
            say(f"{path.name} is left out: its extension is of no video or picture")
        elif is_pattern(path.name):
            # An output of that name would be numbered pictures, which take the place of others.
            say(f"{path.name} is left out: its name stands for numbered pictures; rename it")
        else:
            media.append(path)
    if not media:
        raise SourceError(f"{folder} holds no video and no picture")
    return media
