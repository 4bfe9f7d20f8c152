"""Pieces on the machines of a Ray cluster: an actor for each GPU, or for a few cores where there is none."""

import hashlib
import logging
import os
import platform
import re
import signal
import socket
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vsr.errors import BackendError, SourceError, UsageError
from vsr.io.opening import is_sequence, is_url
from vsr.networks.int8 import calibration_path
from vsr.networks.weights import SHIPPED_DIR, find_weights
from vsr.notices import Notices
from vsr.segments.contract import Job, Piece, PieceDone
from vsr.segments.errand import Errand, SharedErrand, ShippedErrand, keep
from vsr.segments.identity import source_identity
from vsr.segments.lanes import LaneCrew, WorkerDied
from vsr.segments.parcels import Parcel, forget
from vsr.segments.station import Introduction, Station, versions
from vsr.segments.worker import News, Outcome
from vsr.spec import PipelineSpec

CHUNK_BYTES = 64 << 20
"""Of a file that is shipped: large enough to be quick, small enough for any object store."""
_CORES = 4
"""Of a worker without a GPU: more workers would each hold a network, more cores would wait for each other."""
_ENDS = {
    "OutOfMemoryError": "was ended by Ray because its node is short of memory",
    "ActorDiedError": "died (Ray's logs on that node tell of what)",
    "ActorUnavailableError": "can't be reached any more",
    "NodeDiedError": "was lost with its node",
}
"""Ray's errors -> what became of the worker."""
_POLL_S = 0.5
_REACH_S = 10.0
_FORGET_S = 30.0


class ClusterCrew(LaneCrew):
    """A Crew on the Ray cluster at ``address``; connects now, and leaves the cluster when it is left itself.

    Workers are actors and not tasks, because a task that has a GPU gets a new process for each piece. A worker takes
    one GPU; in a cluster without any it takes 4 cores, or all of a smaller machine. What dies is begun anew wherever
    the cluster has room by then. With ``ship`` the files go through Ray's object store. Raises BackendError.
    """

    def __init__(self, address: str, *, ship: bool):
        self._ship = ship
        self._ray, self._connected_here = _connect(address)
        try:
            room = room_of(self._ray)
            super().__init__([_RayWorker(self._ray, room) for _ in range(room.workers)])
        except BaseException:
            self._disconnect()
            raise

    def make(
        self, job: Job, pieces: Sequence[Piece], notices: Notices, *, frames: Callable[[int], None]
    ) -> Generator[PieceDone, None, None]:
        """As Crew.make; also raises SourceError where a node can't see the job's files."""
        job = replace(job, spec=abroad(job.spec), folder=job.folder.absolute())
        errand = self._shipped(job) if self._ship else _shared(job)
        try:
            yield from super().make(errand, pieces, notices, frames=frames)
        finally:
            if isinstance(errand, ShippedErrand):
                self._forget(errand)

    def _shipped(self, job: Job) -> Errand:
        """Put the job's files into the object store, where they are as long as the errand is."""
        if is_url(job.spec.source):
            return _shared(job)
        if is_sequence(job.spec.source):
            raise UsageError("--ship sends one file; put numbered pictures on storage that all nodes share")
        identity = source_identity(job.spec.source)
        key = hashlib.sha256(repr((platform.node(), job, identity)).encode()).hexdigest()[:32]
        parcels = tuple(Parcel(shelf, path.name, self._stored(path)) for shelf, path in _files(job.spec))
        return ShippedErrand(job.spec, job.folder, job.time_base, job.weights, key, parcels)

    def _stored(self, path: Path) -> tuple[Any, ...]:
        try:
            with path.open("rb") as file:
                return tuple(self._ray.put(chunk) for chunk in iter(lambda: file.read(CHUNK_BYTES), b""))
        except OSError as exc:
            raise SourceError(f"{path} can't be read: {exc.strerror}") from exc

    def _forget(self, errand: ShippedErrand) -> None:
        """Let every node remove the errand's files; one that does not answer keeps temporary files."""
        from ray.exceptions import RayError
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        with suppress(RayError):
            task = self._ray.remote(num_cpus=0, max_retries=0)(forget)
            nodes = [NodeAffinitySchedulingStrategy(node["NodeID"], soft=False) for node in _nodes(self._ray)]
            gone = [task.options(scheduling_strategy=node).remote(errand.key) for node in nodes]
            self._ray.wait(gone, num_returns=len(gone), timeout=_FORGET_S)

    def __exit__(self, *exc_info: object) -> None:
        super().__exit__(*exc_info)
        self._disconnect()

    def _disconnect(self) -> None:
        if self._connected_here:
            self._ray.shutdown()


@dataclass(frozen=True)
class Room:
    """How many workers a cluster has room for, and what each takes."""

    workers: int
    resources: dict[str, float]
    threads: int | None
    """Of the processor for each; None where its GPU does the work."""


class _RayWorker:
    """An actor of the cluster, placed by Ray when there is something to do."""

    def __init__(self, ray: Any, room: Room):
        self.name = "the cluster"
        self._ray = ray
        self._room = room
        self._actor: Any = None
        self._introduction: Any = None
        self._ended = False

    def ready(self, wanted: Callable[[], bool]) -> bool:
        from ray.exceptions import RayError

        if self._ended:
            self.close()  # of another job, maybe: it is not the next piece's fault
        try:
            if self._actor is None:
                station = self._ray.remote(Station).options(
                    **self._room.resources, max_concurrency=2, max_restarts=0, max_task_retries=0
                )
                self._actor = station.remote(self._room.threads)
                self._introduction = self._actor.introduce.remote()
            while not self._ray.wait([self._introduction], timeout=_POLL_S)[0]:
                if not wanted():
                    self.close()  # others need what it waits for
                    return False
            self._meet(self._ray.get(self._introduction))
        except RayError as exc:
            self.close()
            if "ModuleNotFoundError" in str(exc):
                raise BackendError(
                    f"a node of the cluster can't load vsr: install vsr[cluster] {versions()['vsr']} on every node"
                ) from exc
            raise WorkerDied(_in_words(exc)) from exc
        return True

    def _meet(self, introduction: Introduction) -> None:
        """Pieces of different versions do not belong together. Raises BackendError."""
        self.name = f"node {introduction.node}"
        for package, ours in versions().items():
            theirs = introduction.versions[package]
            if theirs != ours:
                raise BackendError(f"{self.name} has {package} {theirs}, this machine {ours}; install the same on both")

    def make(self, job: Job, piece: Piece) -> Iterator[News | Outcome]:
        from ray.exceptions import RayError, RayTaskError

        try:
            made = self._actor.make.remote(job, piece)
            while not self._ray.wait([made], timeout=_POLL_S)[0]:
                yield from self._ray.get(self._actor.news.remote())
            outcome, content = self._ray.get(made)
            yield from self._ray.get(self._actor.news.remote())
        except RayTaskError:
            raise
        except RayError as exc:
            self.close()
            raise WorkerDied(_in_words(exc)) from exc
        if content is not None:
            keep(job, piece, content)
        yield outcome

    def end(self) -> None:
        self._ended = True
        if (actor := self._actor) is not None:
            self._ray.kill(actor)

    def close(self) -> None:
        self.end()
        self._actor = self._introduction = None
        self._ended = False


def _connect(address: str) -> tuple[Any, bool]:
    """The module, and whether this process was not connected before. Raises BackendError."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    try:
        import ray
    except ImportError as exc:
        raise BackendError("--cluster needs Ray, which is not installed: pip install 'vsr[cluster]'") from exc
    on_sigterm = signal.getsignal(signal.SIGTERM)
    try:
        _reach(address)
        if ray.is_initialized():
            return ray, False
        ray.init(address=address, log_to_driver=False, logging_level=logging.CRITICAL)
    except (ConnectionError, RuntimeError, ValueError, OSError) as exc:
        raise BackendError(
            f"no Ray cluster answers at '{address}' ({str(exc).partition(chr(10))[0]}); start one with "
            "'ray start --head' and give its address with --cluster"
        ) from exc
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, on_sigterm)  # Ray puts its own in the place
    _hush(ray)
    return ray, True


def _reach(address: str) -> None:
    """Ray itself tries for minutes, with messages of its own. Raises OSError."""
    if found := re.fullmatch(r"(?:ray://)?\[?([^/]+?)\]?:(\d+)", address):
        socket.create_connection((found[1], int(found[2])), _REACH_S).close()


def _hush(ray: Any) -> None:
    """Ray prints each worker's death on standard output, where reports go, and has no option for that."""
    worker = ray._private.worker
    if hasattr(worker, "print_to_stdstream"):
        worker.print_to_stdstream = lambda *_, **__: None


def _nodes(ray: Any) -> list[dict[str, Any]]:
    return [node for node in ray.nodes() if node["Alive"]]


def room_of(ray: Any) -> Room:
    """What the cluster's machines have room for. Raises BackendError."""
    resources = [node["Resources"] for node in _nodes(ray)]
    gpus = sum(int(each.get("GPU", 0)) for each in resources)
    if gpus:
        return Room(gpus, {"num_gpus": 1, "num_cpus": 0}, None)
    cores = [int(each["CPU"]) for each in resources if each.get("CPU", 0) >= 1]
    if not cores:
        raise BackendError("the cluster has neither GPUs nor CPUs for workers; see 'ray status'")
    share = min(_CORES, *cores)
    return Room(sum(count // share for count in cores), {"num_cpus": share, "num_gpus": 0}, share)


def abroad(spec: PipelineSpec) -> PipelineSpec:
    """``spec`` with nothing in it that only this process or this machine understands."""
    source = spec.source if is_url(spec.source) else str(Path(spec.source).absolute())
    own = _own_weights(spec)
    # A worker sees one GPU, whichever of its machine that is: "cuda:all" and "cuda:3" are "cuda" there.
    device = re.split("[:,]", spec.device)[0]
    return replace(spec, source=source, device=device, weights=str(own.absolute()) if own else spec.weights)


def _shared(job: Job) -> SharedErrand:
    return SharedErrand(job.spec, job.folder, job.time_base, job.weights, source_identity(job.spec.source))


def _own_weights(spec: PipelineSpec) -> Path | None:
    """The file of weights that do not come with vsr."""
    path = None if spec.weights is None else find_weights(spec.weights)
    return None if path is None or path.parent == SHIPPED_DIR else path


def _files(spec: PipelineSpec) -> Iterator[tuple[str, Path]]:
    """What a worker needs besides vsr, each with its shelf: the source, and the weights after what lies beside them."""
    if (weights := _own_weights(spec)) is not None:
        for beside in (weights.with_suffix(".json"), calibration_path(weights)):
            if beside.is_file():
                yield "weights", beside
        yield "weights", weights
    yield "source", Path(spec.source)


def _in_words(error: Exception) -> str:
    """What became of a worker, after its name; Ray's own words are paragraphs."""
    first = str(error).partition("\n")[0].strip().rstrip(".")
    return _ENDS.get(type(error).__name__, f"was lost ({first})")
