"""Which networks an evaluation is about, loaded with their weights."""

from vsr.errors import UsageError
from vsr.networks import LoadedNetwork, NetworkEntry, available, entry, load, load_file

ALL = "all"


def load_subjects(
    networks: tuple[str, ...], scales: tuple[int, ...], weights: str | None = None
) -> tuple[LoadedNetwork, ...]:
    """The networks called ``networks``, or with "all" every one, at each of ``scales`` that they are ready for.

    ``weights`` is one file or shipped name, which then says network and scale where they are left empty; None for
    the shipped default; or "all" for each file that ships. Left empty else, the network is lrsrn and the scale 2.
    Raises NetworkError on an unknown network or one that is ready for none of the scales, UsageError where
    ``weights`` is one file for several networks or scales.
    """
    names = tuple(one.name for one in available()) if ALL in networks else tuple(dict.fromkeys(networks))
    if weights not in (None, ALL):
        if len(names) > 1 or len(scales) > 1:
            raise UsageError(f"--weights {weights} fits one network at one scale; give one --network and one --scale")
        return (load_file(weights, next(iter(names), None), next(iter(scales), None)),)
    scales = scales or (2,)
    chosen = [entry(name) for name in names or ("lrsrn",)]
    for one in chosen:
        if ALL not in networks and not set(scales) & set(one.ready_scales()):
            load(one.name, scales[0])  # raises what is wrong
    return tuple(
        load(one.name, scale, file)
        for scale in scales
        for one in chosen
        if scale in one.ready_scales()
        for file in (_shipped(one, scale) if weights == ALL else (None,))
    )


def _shipped(chosen: NetworkEntry, scale: int) -> tuple[str | None, ...]:
    return tuple(name for name in chosen.shipped_weights() if name.startswith(f"{chosen.name}_x{scale}_")) or (None,)
