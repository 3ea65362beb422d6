"""The public functions, one file each; a command calls one of them and saves its result."""
