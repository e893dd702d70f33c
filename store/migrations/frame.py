"""What every migration is made of."""

from typing import get_args

from sqlite_utils import Database, Migrations

migrations = Migrations("tapestory")


def one_of(column: str, literal: object, *, null: bool = False) -> str:
    """``CHECK`` that a column holds one of the values of a ``Literal``."""
    values = ", ".join(f"'{value}'" for value in get_args(literal))
    check = f"{column} IN ({values})"
    return f"CHECK ({column} IS NULL OR {check})" if null else f"CHECK ({check})"


def run(db: Database, script: str) -> None:
    """Run statements one by one: ``executescript`` would commit the migration's transaction."""
    for statement in script.split(";\n"):
        if statement.strip():
            db.execute(statement)
