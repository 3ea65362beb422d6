"""How NucEL learns: windows, masking, the ELECTRA step, the loop."""

import nucel_runtime  # noqa: F401, before torch
