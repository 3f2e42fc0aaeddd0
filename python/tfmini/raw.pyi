# One builder per op; see raw.py.
from typing import Any as _Any

def __getattr__(name: str) -> _Any: ...
