"""One file per subject; see tests/golden/registry.py."""
