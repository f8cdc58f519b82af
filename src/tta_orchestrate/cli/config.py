"""``tta-orchestrate config init | check | show | schema``."""

import typer

app = typer.Typer(no_args_is_help=True, help="Write, check and explain the configuration.")


@app.command()
def check() -> None:
    """Check the configuration."""
