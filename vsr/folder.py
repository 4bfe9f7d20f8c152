"""A folder in, a folder out: each video and picture by itself; one that fails does not stop the others."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from vsr.errors import SinkError, SourceError, UsageError, VsrError
from vsr.io.opening import PICTURE_SUFFIXES
from vsr.notices import Notices
from vsr.pipeline import run
from vsr.report import RunReport
from vsr.spec import PipelineSpec

VIDEO_SUFFIXES = frozenset({
    ".3gp", ".asf", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".ogv",
    ".ts", ".vob", ".webm", ".wmv", ".y4m",
})  # fmt: skip


def run_folder(spec: PipelineSpec, *, tell: Callable[[str], None] | None = None) -> list[RunReport]:
    """Upscale every media file of ``spec.source`` into the folder ``spec.output`` under its own name.

    Other files are named and left. A file that fails is told and the rest go on; the first such error is raised at
    the end. Raises UsageError when both folders are one, SourceError when there is nothing to do.
    """
    source, output = Path(spec.source), Path(spec.output)
    if output.exists() and not output.is_dir():
        raise UsageError(f"{source} is a folder, so the output must be one; {output} is a file")
    if output.exists() and output.samefile(source):
        raise UsageError(f"the output folder is the source folder {source} itself; choose another")
    say = tell or (lambda _: None)
    files = _media_files(source, say)
    try:
        output.mkdir(exist_ok=True)
    except OSError as exc:
        raise SinkError(f"the folder {output} can't be created: {exc.strerror}") from exc
    reports: list[RunReport] = []
    failures: list[VsrError] = []
    for file in files:
        say(f"{file.name}:")
        try:
            reports.append(run(replace(spec, source=str(file), output=str(output / file.name)), notices=Notices(tell)))
        except VsrError as error:
            failures.append(error)
            say(f"failed: {error}")
    say(f"{len(reports)} of {len(files)} files done")
    if failures:
        raise type(failures[0])(f"{len(failures)} of {len(files)} files failed, the first: {failures[0]}")
    return reports


def _media_files(folder: Path, say: Callable[[str], None]) -> list[Path]:
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    media = [path for path in files if path.suffix.lower() in VIDEO_SUFFIXES | PICTURE_SUFFIXES]
    for path in files:
        if path not in media:
            say(f"{path.name} is left out: its extension is of no video or picture")
    if not media:
        raise SourceError(f"{folder} holds no video and no picture")
    return media
