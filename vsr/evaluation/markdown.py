"""What was measured as Markdown tables, ours beside published; the two tracks are never in one table."""

from collections.abc import Iterable, Sequence

from vsr.evaluation.published import Published, published
from vsr.evaluation.run import Evaluation, Subject, VideoRun, label
from vsr.evaluation.tracks import Track
from vsr.networks import parameter_count

_TRACK_WORDS: dict[Track, str] = {
    "clean": "Clean track: MATLAB's bicubic, a border of as many pixels as the scale left out.",
    "jpeg": "JPEG track: Pillow's bicubic and JPEG of quality 90, whole images.",
}


def markdown(evaluation: Evaluation) -> str:
    """A table for each track and scale, one for each video and scale, and the sources of what was published."""
    sections = []
    for scale in evaluation.scales:
        subjects = [one for one in evaluation.subjects if one.loaded.network.scale == scale]
        if not evaluation.images:
            sections += [f"## Cost, x{scale}", _costs(subjects)]
        for track in evaluation.spec.tracks if evaluation.images else ():
            sections += [f"## Images, {track}, x{scale}", _TRACK_WORDS[track] + " PSNR-Y in dB / SSIM-Y."]
            sections.append(_image_table(evaluation, subjects, track))
        for video in evaluation.spec.videos:
            runs = [one for one in evaluation.videos if one.data == video and one.loaded.network.scale == scale]
            sections += [f"## Video {video.name}, x{scale}", _video_words(runs), _video_table(runs)]
    return "\n\n".join([*sections, *_timing_words(evaluation), *_sources(evaluation)]) + "\n"


def _costs(subjects: Sequence[Subject]) -> str:
    return _table(_COST_HEADER, [_cost_cells(one) for one in subjects])


_COST_HEADER = ("weights", "parameters", "GMAC to 4K", "ms a frame")


def _cost_cells(subject: Subject) -> list[str]:
    timing = "-" if subject.timing is None else f"{subject.timing.ms:.1f}"
    parameters = parameter_count(subject.loaded.network)
    return [label(subject.loaded), f"{parameters:,}", f"{subject.gmac_to_4k:,.1f}", timing]


def _image_table(evaluation: Evaluation, subjects: Sequence[Subject], track: Track) -> str:
    header = list(_COST_HEADER)
    for folder in evaluation.spec.folders:
        header += [folder.name, "published"]
    results = {(id(run.loaded), run.data): run.result for run in evaluation.images if run.track == track}
    rows = []
    for subject in subjects:
        row = _cost_cells(subject)
        for folder in evaluation.spec.folders:
            result = results[id(subject.loaded), folder]
            row += [
                _score(result.psnr_y, result.ssim_y),
                _published_cell(published(subject.loaded, track, folder.name)),
            ]
        rows.append(row)
    return _table(header, rows)


def _published_cell(score: Published | None) -> str:
    return "-" if score is None else _score(score.psnr_y, score.ssim_y)


def _score(psnr_y: float, ssim_y: float | None) -> str:
    return f"{psnr_y:.2f}" if ssim_y is None else f"{psnr_y:.2f} / {ssim_y:.4f}"


def _video_words(runs: Sequence[VideoRun]) -> str:
    frames = len(runs[0].result.frames) if runs else 0
    return (
        f"{frames} frames, each shrunk by MATLAB's bicubic and, where a codec is named, coded in 4:2:0 and decoded; "
        "upscaled by the code of `vsr run`. Temporal error: mean error of the change from frame to frame, in codes of "
        "Y. tOF: mean error of the optical flow, in pixels. Less is better for both."
    )


def _video_table(runs: Sequence[VideoRun]) -> str:
    header = ("weights", "codec", "CRF", "PSNR-Y dB", "SSIM-Y", "temporal error", "tOF")
    return _table(header, [_video_cells(run) for run in runs])


def _video_cells(run: VideoRun) -> list[str]:
    result = run.result
    coding = ("none", "-") if run.coding is None else (run.coding.codec, str(run.coding.quality))
    temporal = (result.temporal_mean(measure) for measure in ("temporal_error", "tof"))
    errors = ("-" if value is None else f"{value:.3f}" for value in temporal)
    return [label(run.loaded), *coding, f"{result.psnr_y:.2f}", f"{result.ssim_y:.4f}", *errors]


def _timing_words(evaluation: Evaluation) -> list[str]:
    timings = [one.timing for one in evaluation.subjects if one.timing is not None]
    if not timings:
        return []
    first, precisions = timings[0], ", ".join(sorted({one.precision for one in timings}))
    return [
        f"Timed on {first.device} ({precisions}): one 8-bit 4:2:0 frame of {first.width}x{first.height}, planes to "
        "planes with the colour conversion, without decoding and encoding; median of a few runs."
    ]


def _sources(evaluation: Evaluation) -> list[str]:
    scores = {published(run.loaded, run.track, run.data.name) for run in evaluation.images}
    sources = sorted({f"- {score.network}: {score.source}" for score in scores if score is not None})
    return ["## Sources of the published scores", "\n".join(sources)] if sources else []


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, rule, *rows))
