"""`wiredesk evaluate policy`: what another ranking would have earned, before anybody sees it."""

from typing import Annotated

import typer
from rich.console import Console

from cli.files import JsonOption, write_json

out = Console()


def evaluate_policy(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help='JSONL rows {"reward", "propensity", "wanted"}, one for each item shown: what it '
            "earned, and the probability of its choice when logged and by the other ranking.",
        ),
    ],
    clip: Annotated[float, typer.Option(min=1.0, help="Largest weight of an item.")] = 20.0,
    json_file: JsonOption = None,
) -> None:
    """Estimate a ranking change from logged propensities (SNIPS), with its interval."""
    from evaluation import policy

    found = policy.evaluate(file, clip)
    out.print(
        f"logged: {found.logged:.4f} an item; the other ranking: {found.value:.4f} "
        f"(95 %: {found.low:.4f} to {found.high:.4f})",
        highlight=False,
    )
    out.print(
        f"as telling as {found.effective:,.0f} evenly weighted items; "
        f"{found.clipped:.1%} of the weights were cut at {clip:g}",
        highlight=False,
    )
    write_json(json_file, found._asdict())
