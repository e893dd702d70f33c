"""Labels without a database: label, evaluate, and the models behind them."""

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from api.commands.options import EXIT_ITEMS_FAILED, config
from api.commands.options import as_json as json_option
from api.config import Settings, load_settings

_narratives = click.option(
    "--narratives",
    "narratives_path",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="TOML file of your own narratives, judged beside the default ones.",
)


def _with_narratives(settings: Settings, path: Path | None) -> Settings:
    if path is None:
        return settings
    return replace(settings, narrative_files=("default", str(path.resolve())))


@click.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True), default="-")
@_narratives
@config
def label(file: Path, narratives_path: Path | None, config_path: Path | None) -> None:
    """Label FILE (JSONL of id and text, or one .txt; stdin by default); JSONL out."""
    from api.stages import model_settings, taxonomy
    from nlp.label import label_items

    settings = _with_narratives(load_settings(config_path), narratives_path)
    failed = 0
    for line in label_items(_items(file), taxonomy(settings), model_settings(settings)):
        failed += "error" in line
        click.echo(json.dumps(line, ensure_ascii=False))
    if failed:
        click.echo(f"{failed} items failed; each has a line with its error", err=True)
        raise SystemExit(EXIT_ITEMS_FAILED)


def _items(file: Path) -> Iterator[dict[str, Any]]:
    """Yield the items of a file; a line that is no item becomes one with its error."""
    name = str(file)
    if name != "-" and not file.exists():
        raise click.BadParameter(f"no file {name!r}", param_hint="FILE")
    data = sys.stdin.buffer.read() if name == "-" else file.read_bytes()
    if file.suffix == ".txt":
        text, error = _decoded(data)
        yield {"id": file.stem, "text": text, **({"error": error} if error else {})}
        return
    for number, line in enumerate(data.split(b"\n"), 1):
        if line.strip():
            yield _item(line, number)


def _item(line: bytes, number: int) -> dict[str, Any]:
    text, error = _decoded(line)
    if error is None:
        try:
            item = json.loads(text)
        except (ValueError, RecursionError) as problem:
            error = f"line {number} is no JSON ({problem})"
        else:
            if isinstance(item, dict) and isinstance(item.get("text"), str):
                return {"id": str(number), **item}
            error = f"line {number} is no object with a 'text'"
    return {"id": str(number), "text": "", "error": error}


def _decoded(data: bytes) -> tuple[str, str | None]:
    try:
        return data.decode("utf-8-sig"), None
    except UnicodeDecodeError as error:
        return "", f"not UTF-8 at byte {error.start}: save the file as UTF-8"


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@_narratives
@click.option("--encoder", "encoders", multiple=True, metavar="NAME",
              help="Compare with this encoder or trained folder (repeatable).")  # fmt: skip
@click.option("--stance", "stances", multiple=True, metavar="NAME",
              help="Compare with this stance or NLI classifier (repeatable).")  # fmt: skip
@config
@json_option
def evaluate(
    file: Path,
    narratives_path: Path | None,
    encoders: tuple[str, ...],
    stances: tuple[str, ...],
    config_path: Path | None,
    as_json: bool,
) -> None:
    """Score the labels on FILE, JSONL of {"id", "text", "labels": {narrative: stance}}."""
    from api.stages import model_settings, taxonomy
    from nlp.evaluate import as_comparison, as_table, evaluate_file

    settings = _with_narratives(load_settings(config_path), narratives_path)
    own = model_settings(settings)
    others = [replace(own, encoder=name) for name in encoders]
    others += [replace(own, stance=name) for name in stances]
    results = [evaluate_file(file, taxonomy(settings), models) for models in (own, *others)]
    if as_json:
        click.echo(json.dumps(results if others else results[0], indent=2))
        return
    click.echo(as_table(results[0]))
    if others:
        click.echo(f"\n{as_comparison(results)}")


@click.command()
@click.option("--data", type=click.Path(path_type=Path, exists=True, file_okay=False),
              help="Folder with text/ (archives whose labels are shipped by hash) and labels/ "
              "(public stance sets).")  # fmt: skip
@click.option("--part", "parts", multiple=True,
              type=click.Choice(["start", "english", "pairs", "multilingual", "custom", "rates"]),
              help="Train only this part (repeatable); all but start by default. Rates: count "
              "the errors of the weights in --out.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True,
              help="Folder for the trained weights.")  # fmt: skip
def train(data: Path | None, parts: tuple[str, ...], out: Path) -> None:
    """Train the adapters and heads again from the shipped labels."""
    from nlp.train import TRAINED
    from nlp.train import train as run

    about = run(data, folder=out, parts=parts or TRAINED, report=lambda x: click.echo(x, err=True))
    click.echo(f"wrote {out}: {json.dumps(about)}")


@click.command()
def model() -> None:
    """Print the model card of the models in use."""
    from nlp.evaluate import model_card

    click.echo(model_card())


COMMANDS = (label, evaluate, train, model)
