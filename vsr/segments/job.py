"""The front door of a run: in one go where it is short, else in pieces that are kept, resumed and joined."""

import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from vsr import pipeline
from vsr.errors import SinkError, SourceError, UsageError
from vsr.frames import VideoInfo
from vsr.io.disk_space import DiskRoom, expected_output, expected_rest
from vsr.io.encoders import codec_of
from vsr.io.joining import can_join, check, join
from vsr.io.opening import is_url
from vsr.io.probe import probe
from vsr.io.scan import scan
from vsr.io.source import VideoSource
from vsr.io.target import Target, final_path, resolve
from vsr.notices import Notices
from vsr.pipeline import Progress
from vsr.plan import Plan, make_plan
from vsr.report import Ran, RunReport, Segments, Tally, bottleneck, make_report, stage_reports
from vsr.segments.contract import Crew, Job, Piece, PieceDone, PieceRecord, piece_name
from vsr.segments.crew import is_spread, open_crew
from vsr.segments.cuts import cut
from vsr.segments.devices import devices_of
from vsr.segments.identity import difference, settings_of, source_identity
from vsr.segments.manifest import Manifest
from vsr.segments.place import Place
from vsr.spec import PipelineSpec

Watcher = Callable[[Progress], None]


def run(
    spec: PipelineSpec,
    *,
    notices: Notices | None = None,
    progress: Watcher | None = None,
    crew: Crew | None = None,
) -> RunReport:
    """Upscale ``spec.source`` into ``spec.output``; go on where an earlier run of the same was ended.

    ``crew`` makes the pieces and is left open; by default it is the one that ``spec`` asks for. Raises VsrError; then
    nothing is under the output's name, and finished pieces are kept.
    """
    notices = notices or Notices()
    if not is_spread(spec):
        spec = replace(spec, device=devices_of(spec.device)[0])  # the one GPU that cuda:all means
    place = Place(str(final_path(spec)))
    cuts = _Cuts()
    if spec.restart or not place.exists:
        target = resolve(spec)  # refuses what can't be written before the source is read
        cuts = _cuts(spec, target, probe(spec, notices), notices)
        if place.exists:
            with place:
                place.clear()
        if len(cuts.pieces) < 2 and crew is None and not is_spread(spec):
            return pipeline.run(spec, notices=notices, progress=progress)
    with nullcontext(crew) if crew else open_crew(spec) as workers, place:
        return _in_pieces(spec, place, cuts, workers, notices=notices, progress=progress)


class _Cuts(NamedTuple):
    """The pieces to make, and how long it took to find out."""

    pieces: tuple[Piece, ...] = ()
    scan_s: float = 0.0


def _cuts(spec: PipelineSpec, target: Target, info: VideoInfo, notices: Notices) -> _Cuts:
    """A single piece of a source that can't be cut or is too short for it, and for an output that can't be joined."""
    whole = _Cuts((Piece(0, None, None, None),))
    too_short = info.duration_s is not None and info.duration_s <= spec.segment_s
    if spec.segment_s == 0 or info.still or too_short:
        return whole
    if is_url(spec.source):
        notices.say("a source on the network is upscaled in one go: the run can't be resumed")
        return whole
    codec = codec_of(spec, target.container, target.default_codec, info.layout)
    if not can_join(codec):
        notices.say(f"{codec} can't be joined from pieces: it is made in one go, and the run can't be resumed")
        return whole
    started = time.perf_counter()
    with VideoSource(spec, notices, video_only=True) as source:
        pieces = cut(scan(source), spec.segment_s, source.info.time_base)
    return _Cuts(pieces, time.perf_counter() - started)


def _in_pieces(
    spec: PipelineSpec,
    place: Place,
    cuts: _Cuts,
    crew: Crew,
    *,
    notices: Notices,
    progress: Watcher | None,
) -> RunReport:
    earlier = place.load()
    if earlier is None:
        place.clear()  # killed before its first manifest, or while it was clearing up
    elif _is_published(earlier, final_path(spec)):
        spec = replace(spec, overwrite=True)  # killed between the last two steps: the same output is named again
    target = resolve(spec)
    spec = replace(spec, output=target.final)
    planned = _planned(spec)
    with VideoSource(planned, notices, bake_orientation=not target.carries_orientation) as source:
        plan = make_plan(planned, source.info, target, notices)
        settings, identity = settings_of(spec, plan, target), source_identity(spec.source)
        if earlier is None:
            cuts = cuts if cuts.pieces else _cuts(spec, target, source.info, notices)
            manifest = Manifest(settings, identity, cuts.pieces)
        else:
            _check_same(earlier, settings, identity, place)
            manifest = replace(earlier, done=tuple(record for record in earlier.done if place.holds(record)))
            place.sweep()
        work = _Work(spec, plan, target, source, place, manifest, notices, progress, cuts.scan_s)
        try:
            work.make(crew)
            return work.join()
        except BaseException:
            work.keep()
            raise


def _planned(spec: PipelineSpec) -> PipelineSpec:
    """What this process plans with: one device of its own; machines of a cluster choose theirs by themselves."""
    if spec.cluster is not None:
        return replace(spec, device="cpu", backend="auto", precision="auto")
    return replace(spec, device=devices_of(spec.device)[0])


def _is_published(manifest: Manifest, final: Path) -> bool:
    return manifest.joined_bytes is not None and final.is_file() and final.stat().st_size == manifest.joined_bytes


def _check_same(manifest: Manifest, settings: dict[str, object], source: dict[str, object], place: Place) -> None:
    """Pieces of another source or of other settings are not mixed with new ones."""
    for what, then, now in (
        ("another source", manifest.source, source),
        ("other settings", manifest.settings, settings),
    ):
        if changed := difference(then, now):
            raise UsageError(
                f"{place.folder} holds pieces of {what} ({changed}); run with what they were made with to go on, "
                "or with --restart to throw them away"
            )


@dataclass
class _Work:
    """One run of a job: which pieces there are, and what was counted while the others were made."""

    spec: PipelineSpec
    plan: Plan
    target: Target
    source: VideoSource
    place: Place
    manifest: Manifest
    notices: Notices
    progress: Watcher | None
    scan_s: float
    started: float = field(default_factory=time.perf_counter)
    frames_made: int = 0
    working_s: float = 0.0
    busy_s: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.kept = len(self.manifest.done)
        self.frames_kept = sum(record.frames for record in self.manifest.done)
        self.room = DiskRoom(self.place.folder, self.notices)
        if self.kept:
            self.notices.say(f"{self.kept} of {len(self.manifest.pieces)} pieces are there from an earlier run")

    def make(self, crew: Crew) -> None:
        """Make the missing pieces; each is in the manifest as soon as it is whole."""
        self.place.save(self.manifest)
        joined, plan = self.place.joined(self.target), self.plan
        check(self._paths(), joined, plan.encoding, plan.size, source=self.source, notices=self.notices)
        self._expect_room()
        there = {record.index for record in self.manifest.done}
        missing = [piece for piece in self.manifest.pieces if piece.index not in there]
        weights = str(self.manifest.settings["weights"])
        job = Job(self.spec, self.place.folder.absolute(), self.source.info.time_base, weights)
        # Closed in whatever way it ends: no worker is at work any more when the folder is removed or left.
        with closing(crew.make(job, missing, self.notices, frames=self._count)) as made:
            for done in made:
                self._add(done)

    def _expect_room(self) -> None:
        """Warn where the disk will probably not do; pieces are about equally long, and the joined file comes on top."""
        done, count = self.manifest.done, len(self.manifest.pieces)
        if done:
            made = sum(record.size for record in done)
            self.room.expect(expected_rest(made, len(done) / count), "the pieces made so far")
        elif expected := expected_output(self.source, self.plan.encoding, self.plan.size):
            self.room.expect(2 * expected, "the source")

    def _count(self, frames: int) -> None:
        self.frames_made += frames
        if self.progress is not None:
            elapsed_s = time.perf_counter() - self.started
            stages = stage_reports(dict(self.busy_s), self.working_s, self.frames_made)
            done = self.frames_kept + self.frames_made
            expected = self.source.info.frame_count
            self.progress(Progress(done, expected, self.frames_made / elapsed_s, bottleneck(stages)))

    def _add(self, done: PieceDone) -> None:
        self._check_source()
        records = sorted([*self.manifest.done, done.record], key=lambda record: record.index)
        manifest = replace(self.manifest, done=tuple(records))
        self.place.save(manifest)
        self.manifest = manifest
        self._expect_room()
        self.working_s += done.wall_s
        self.busy_s.update(done.busy_s)

    def _check_source(self) -> None:
        """The pieces and the other streams are of one file. Raises SourceError where it was changed meanwhile."""
        try:
            now = source_identity(self.spec.source)
        except SourceError:
            return  # gone: whoever still has to open it will say so
        if changed := difference(self.manifest.source, now):
            raise SourceError(
                f"{self.spec.source} was changed while it was upscaled ({changed}); run again once nothing writes to "
                "it, with --restart if it stays as it is now"
            )

    def join(self) -> RunReport:
        """Join the pieces, give the output its name, and remove the folder."""
        began, records = time.perf_counter(), self.manifest.done
        frames = sum(record.frames for record in records)
        joined = self.place.joined(self.target)
        streams = join(
            self._paths(), frames, joined, self.plan.encoding, self.plan.size, source=self.source, notices=self.notices
        )
        if not joined.numbered:
            self.manifest = replace(self.manifest, joined_bytes=joined.partial.stat().st_size)
            self.place.save(self.manifest)
        joined.publish()
        join_s = time.perf_counter() - began
        try:
            self.place.clear()
        except SinkError as error:
            self.notices.say(f"the output is whole, but its pieces are still there: {error}")
        return make_report(
            self.spec, self.plan, self._tally(records, frames, join_s), source=self.source, output=self.target.final,
            streams=streams, ran=self._ran(), notices=self.notices,
        )  # fmt: skip

    def _paths(self) -> list[Path]:
        return [self.place.folder / piece_name(record.index) for record in self.manifest.done]

    def _ran(self) -> Ran:
        """Of all pieces, those of an earlier run too; what is mixed is said."""
        records = self.manifest.done
        ways = dict.fromkeys(f"{record.backend} in {record.precision}" for record in records)
        if len(ways) > 1:
            self.notices.say(
                f"pieces were upscaled by {' and by '.join(ways)}; --backend and --precision make them one"
            )
        return Ran(*(", ".join(dict.fromkeys(column)) for column in zip(
            *((record.device, record.backend, record.precision) for record in records), strict=True
        )))  # fmt: skip

    def _tally(self, records: tuple[PieceRecord, ...], frames: int, join_s: float) -> Tally:
        times = [time_s for record in records for time_s in (record.first_s, record.last_s) if time_s is not None]
        return Tally(
            frames_in=frames,
            frames_out=frames,
            frames_made=self.frames_made,
            wall_s=time.perf_counter() - self.started,
            busy_s=dict(self.busy_s),
            working_s=self.working_s,
            first_s=min(times, default=None),
            last_s=max(times, default=None),
            timestamps_repaired=sum(record.timestamps_repaired for record in records),
            corrupt_packets=sum(record.corrupt_packets for record in records),
            segments=Segments(len(records), self.kept, self.scan_s, join_s),
        )

    def keep(self) -> None:
        """Say what an ended run leaves; nothing is left where no piece was finished."""
        if not self.place.exists:
            self.notices.say(f"{self.place.folder} is gone, and with it the pieces")
            return
        if not self.manifest.done:
            with suppress(SinkError):  # what ended the run is what the user has to know
                self.place.clear()
            return
        again = "the same command without --restart" if self.spec.restart else "the same command"
        self.notices.say(
            f"{len(self.manifest.done)} of {len(self.manifest.pieces)} pieces are kept in {self.place.folder}; "
            f"{again} goes on from there"
        )
