"""How NucEL learns: windows, masking, the ELECTRA step, the loop."""
