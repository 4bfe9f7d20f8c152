"""``vsr models``: the networks that vsr knows and the weights that ship."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from vsr.networks import Network, NetworkEntry


def models(*, as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False) -> None:
    """List each network with its parameters, cost and paper, and the shipped weights with their measured scores.

    The cost is multiply-accumulates for one 3840x2160 frame out: from 1920x1080 at x2, 1280x720 at x3, 960x540 at x4.
    """
    # torch takes seconds to import; `vsr --help` need not wait for it.
    from vsr.networks import available

    facts = [network_facts(entry) for entry in available()]
    print(json.dumps(facts, indent=2) if as_json else "\n\n".join("\n".join(describe(network)) for network in facts))


def network_facts(entry: "NetworkEntry") -> dict[str, Any]:
    """One network in plain values."""
    costs = {scale: _cost(entry.build(scale)) for scale in entry.scales}
    return {
        "name": entry.name,
        "summary": entry.summary,
        "paper": entry.paper,
        "domain": entry.domain,
        "trained": entry.trained,
        "parameters": {scale: cost["parameters"] for scale, cost in costs.items()},
        "gmac_to_4k": {scale: cost["gmac_to_4k"] for scale, cost in costs.items()},
        "weights": [_weights_facts(entry, name) for name in entry.shipped_weights()],
    }


def _cost(network: "Network") -> dict[str, Any]:
    from vsr.evaluation.cost import gmac_to_4k
    from vsr.networks import parameter_count

    deployed = network.deploy()
    return {"parameters": parameter_count(deployed), "gmac_to_4k": round(gmac_to_4k(deployed), 3)}


def _weights_facts(entry: "NetworkEntry", name: str) -> dict[str, Any]:
    card = entry.shipped_card(name)
    cost = _cost(entry.build(card.scale, **card.options)) if card else {"parameters": None, "gmac_to_4k": None}
    return {
        "name": name,
        "default_for": [scale for scale in entry.scales if entry.default_weights(scale) == name],
        "scale": card.scale if card else None,
        **cost,
        "degradation": card.degradation if card else None,
        "scores": {data: dict(values) for data, values in card.scores.items()} if card else {},
        "recipe": card.recipe if card else None,
        "int8_loss": _int8_loss(name),
        "date": card.date if card else None,
        "sha256": card.sha256 if card else None,
    }


def _int8_loss(name: str) -> float | None:
    """What int8 costs at most on the images it was measured on, dB; None where no calibration ships."""
    from vsr.networks.int8 import read_calibration
    from vsr.networks.weights import find_weights

    calibration = read_calibration(find_weights(name))
    return None if calibration is None else calibration.loss


def describe(network: dict[str, Any]) -> list[str]:
    """The lines for a person."""
    sizes = [
        f"x{scale} {count:,} ({network['gmac_to_4k'][scale]:,.1f} GMAC to 4K)"
        for scale, count in network["parameters"].items()
    ]
    return [
        f"{network['name']}: {network['summary']}",
        f"  paper      {network['paper']}",
        f"  domain     {network['domain']}",
        f"  parameters {', '.join(sizes)}",
        *(_weights(weights) for weights in network["weights"]),
        *_missing(network),
    ]


def _missing(network: dict[str, Any]) -> list[str]:
    shipped = {weights["scale"] for weights in network["weights"]}
    missing = [f"x{scale}" for scale in network["parameters"] if scale not in shipped]
    return [f"  weights    none ship for {', '.join(missing)}"] if network["trained"] and missing else []


def _weights(weights: dict[str, Any]) -> str:
    default = ", ".join(f"default for x{scale}" for scale in weights["default_for"])
    scores = [
        f"{data} {values['psnr_y']:.2f} dB / {values['ssim_y']:.4f}" for data, values in weights["scores"].items()
    ]
    trained = f"trained on {weights['degradation']}" if weights["degradation"] else "no card"
    int8 = "" if weights["int8_loss"] is None else f"int8 costs {weights['int8_loss']:.2f} dB"
    facts = [default, trained, *scores, int8]
    return f"  weights    {weights['name']}: {', '.join(fact for fact in facts if fact)}"
