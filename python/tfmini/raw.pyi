# One builder per op; see raw.py.
from typing import Any

def __getattr__(name: str) -> Any: ...
