"""Files shipped with the package: motif collections. See README.md in this folder."""
