"""Which networks an evaluation is about, loaded with their weights."""

from vsr.errors import UsageError
from vsr.networks import LoadedNetwork, NetworkEntry, available, entry, load

ALL = "all"


def load_subjects(
    networks: tuple[str, ...], scales: tuple[int, ...], weights: str | None = None
) -> tuple[LoadedNetwork, ...]:
    """The networks called ``networks``, or with "all" every one, at each of ``scales`` that they are ready for.

    ``weights`` is a file or a shipped name, None for the shipped default, or "all" for each file that ships.
    Raises NetworkError on an unknown network or one that is ready for none of the scales, UsageError where
    ``weights`` is one file for several networks or scales.
    """
    names = tuple(one.name for one in available()) if ALL in networks else tuple(dict.fromkeys(networks))
    if weights not in (None, ALL):
        if len(names) * len(scales) > 1:
            raise UsageError(f"--weights {weights} fits one network at one scale; give one --network and one --scale")
        return (load(names[0], scales[0], weights),)
    chosen = [entry(name) for name in names]
    if ALL not in networks:
        for one in chosen:
            if not set(scales) & set(one.ready_scales()):
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
