"""Record and replay: its parts, what clients see of it, and the magics."""
