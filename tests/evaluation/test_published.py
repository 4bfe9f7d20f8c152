"""Published scores: of networks that exist, beside the right track, set, scale and options."""

from dataclasses import replace

import pytest

from vsr.evaluation.published import SCORES, published
from vsr.networks import LoadedNetwork, WeightsCard, build, entry, load


def loaded(name: str, scale: int, **options: int) -> LoadedNetwork:
    """An untrained network with the card that a training would give it."""
    card = WeightsCard(name, scale, sha256="", options=options)
    return LoadedNetwork(build(name, scale, **options), f"{name}_x{scale}", None, card)


def test_every_score_is_of_a_network_that_vsr_has() -> None:
    for score in SCORES:
        assert score.scale in entry(score.network).scales
        assert 20 < score.psnr_y < 40
        assert score.ssim_y is None or 0.7 < score.ssim_y < 1
        assert score.source
    for network, options in {(score.network, score.options) for score in SCORES}:
        assert build(network, 2, **{name: _value(value) for name, value in options})


def _value(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


def test_scores_are_found_by_network_track_set_and_scale() -> None:
    lesrcnn = published(loaded("lesrcnn-s", 3), "clean", "Set5")
    assert lesrcnn is not None
    assert (lesrcnn.psnr_y, lesrcnn.ssim_y) == (34.05, None)
    multi = published(loaded("lesrcnn", 2), "clean", "B100")
    assert multi == published(loaded("lesrcnn", 2), "clean", "BSD100")
    assert multi is not None
    assert (multi.psnr_y, multi.ssim_y) == (31.95, 0.8964)
    assert published(loaded("lesrcnn", 2), "clean", "holiday") is None


def test_the_tracks_are_kept_apart() -> None:
    lrsrn = load("lrsrn", 2)
    assert published(lrsrn, "clean", "Set5") is None
    score = published(lrsrn, "jpeg", "Set5")
    assert score is not None
    assert score.psnr_y == 33.92


@pytest.mark.parametrize(("units", "wanted"), [(None, 37.66), (9, 37.66), (25, 37.74), (4, None)])
def test_a_score_of_other_options_is_not_taken(units: int | None, wanted: float | None) -> None:
    network = loaded("drrn", 2, units=1)
    assert network.card is not None
    network = replace(network, card=replace(network.card, options={} if units is None else {"units": units}))
    score = published(network, "clean", "Set5")
    assert (score.psnr_y if score else None) == wanted
