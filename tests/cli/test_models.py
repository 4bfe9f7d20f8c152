"""``vsr models``: the list agrees with the registry, the cards and what really loads."""

import json

import pytest

from vsr.cli.app import main
from vsr.evaluation.cost import gmac_to_4k
from vsr.networks import available, load, parameter_count


def _models(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as stop:
        main(["models", *arguments])
    assert stop.value.code == 0
    return capsys.readouterr().out


def test_every_network_is_listed_with_its_true_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    listed = json.loads(_models(capsys, "--json"))
    assert [network["name"] for network in listed] == [entry.name for entry in available()]
    lrsrn = listed[0]
    assert lrsrn["parameters"] == {"2": 41_356, "3": 45_691, "4": 51_760}
    assert lrsrn["gmac_to_4k"] == pytest.approx({"2": 85.7, "3": 42.1, "4": 26.8}, abs=0.1)
    assert lrsrn["paper"]
    assert all(not network["weights"] for network in listed if not network["trained"])


def test_the_shipped_weights_load_and_show_their_cards_scores(capsys: pytest.CaptureFixture[str]) -> None:
    for network in json.loads(_models(capsys, "--json")):
        for weights in network["weights"]:
            loaded = load(network["name"], weights["scale"], weights["name"])
            assert loaded.card is not None
            assert weights["sha256"] == loaded.sha256
            assert weights["scores"] == {data: dict(scores) for data, scores in loaded.card.scores.items()}
            assert weights["parameters"] == parameter_count(loaded.network)
            assert weights["int8_loss"] == (loaded.int8.loss if loaded.int8 else None)
            assert weights["gmac_to_4k"] == pytest.approx(gmac_to_4k(loaded.network), abs=1e-3)


def test_the_text_names_weights_scores_and_gaps(capsys: pytest.CaptureFixture[str]) -> None:
    text = _models(capsys)
    loaded = load("lrsrn", 2)
    card = loaded.card
    assert card is not None
    assert f"{loaded.weights_name}: default for x2" in text
    assert f"Set5 {card.scores['Set5']['psnr_y']:.2f} dB" in text
    assert "x2 41,356 (85.8 GMAC to 4K)" in text
    for entry in available():
        assert f"{entry.name}: {entry.summary}" in text
