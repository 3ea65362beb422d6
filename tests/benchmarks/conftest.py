"""The pieces of the benchmark scripts, on small inputs."""

from __future__ import annotations

import torch

# the models here are too small to share among threads, which would only wait for each other
torch.set_num_threads(1)
