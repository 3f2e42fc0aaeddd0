"""The version of tfmini: the one place that states it (packaging reads it from here)."""

__version__ = "0.1.0"

VERSION = __version__
