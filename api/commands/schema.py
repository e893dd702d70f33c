"""The schemas of the JSON that commands and pages give out."""

import json

import click


@click.command()
@click.argument("name", required=False)
def schema(name: str | None) -> None:
    """Print the JSON Schema of the document NAME, or the names that there are."""
    from api import schemas

    if name is None:
        click.echo("\n".join(schemas.NAMES))
    else:
        click.echo(json.dumps(schemas.schema(name), indent=2, ensure_ascii=False))


COMMANDS = (schema,)
