"""What the comparisons have in common: windows, sites, heads chosen on halves, bootstrap."""
