"""``tf.app``: the entry point of a script."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NoReturn

from tfmini import flags

__all__ = ["flags", "run"]


def run(main: Callable[..., Any] | None = None, argv: list[str] | None = None) -> NoReturn:
    """Parses the flags, calls ``main(argv)`` with what is left of the command line, and exits with its result.

    Args:
      main: by default the function `main` of the script.
      argv: by default ``sys.argv``.
    """
    try:
        remaining = flags.FLAGS(sys.argv if argv is None else argv, known_only=True)
    except flags.Error as error:
        sys.exit(f"FATAL Flags parsing error:\n  {error}\nPass --help to see the flags.")
    main = main or sys.modules["__main__"].main
    sys.exit(main(remaining))
