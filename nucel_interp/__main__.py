"""`python -m nucel_interp` is `nucel-interp`."""

from nucel_interp.cli import app

if __name__ == "__main__":
    app(prog_name="nucel-interp")
