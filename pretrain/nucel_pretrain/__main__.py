"""``python -m nucel_pretrain``: what ``torchrun -m nucel_pretrain`` starts."""

from nucel_pretrain.cli import app

if __name__ == "__main__":
    app()
