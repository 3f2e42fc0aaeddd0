"""``tf.app.flags``: command line flags.

A flag that is read before the command line was parsed parses it then, so ``FLAGS.x`` works with and without
`tf.app.run`; arguments that name no flag are left alone. ``FLAGS.x = value`` works for undeclared names too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

__all__ = [
    "FLAGS", "DEFINE_alias", "DEFINE_bool", "DEFINE_boolean", "DEFINE_enum", "DEFINE_float", "DEFINE_integer",
    "DEFINE_list", "DEFINE_multi_float", "DEFINE_multi_integer", "DEFINE_multi_string", "DEFINE_string",
    "DuplicateFlagError", "Error", "FlagValues", "IllegalFlagValueError", "mark_flag_as_required",
    "mark_flags_as_required",
]  # fmt: skip


class Error(Exception):
    """Base of the errors flags raise."""


class DuplicateFlagError(Error):
    """The flag was defined before, in another file."""


class IllegalFlagValueError(Error):
    """The value on the command line does not fit the flag."""


class Flag:
    """One flag: its current value, its default, and how to read it from text."""

    def __init__(self, name: str, default: Any, help: str | None, parse: Callable[[str], Any], kind: str, where: str):
        self.name = name
        self.default = default
        self.help = help or ""
        self.value = default
        self.present = 0  # times seen on the command line
        self.required = False
        self.where = where
        self._parse = parse
        self._kind = kind

    @property
    def boolean(self) -> bool:
        return self._kind == "bool"

    def set_from_text(self, text: str) -> None:
        try:
            value = self._parse(text)
        except ValueError as error:
            raise IllegalFlagValueError(f"flag --{self.name}={text}: {error}") from None
        if self._kind == "multi":
            self.value = [*(self.value if self.present else []), value]
        else:
            self.value = value
        self.present += 1


class FlagValues:
    """All flags, as attributes."""

    def __init__(self) -> None:
        # Not through __setattr__, which sets flags.
        self.__dict__.update({"__flags": {}, "__aliases": {}, "__parsed": False, "__extra": {}})

    def _flags(self) -> dict[str, Flag]:
        return self.__dict__["__flags"]

    def _define(self, flag: Flag) -> None:
        old = self._flags().get(flag.name)
        if old is not None and old.where != flag.where:
            raise DuplicateFlagError(f"The flag '{flag.name}' is defined twice: in {old.where} and in {flag.where}.")
        self._flags()[flag.name] = flag
        self.__dict__["__parsed"] = False  # the command line may hold a value for the newcomer

    def __call__(self, argv: Iterable[str] | None = None, known_only: bool = False) -> list[str]:
        """Parses `argv` (with the program name first) and returns what is no flag.

        Raises:
          IllegalFlagValueError: if a value does not fit its flag.
          Error: if a required flag is missing or, unless `known_only`, an argument names no flag.
        """
        remaining = self._parse(list(sys.argv if argv is None else argv), known_only)
        self.__dict__["__parsed"] = True
        missing = [name for name, flag in self._flags().items() if flag.required and flag.value is None]
        if missing:
            raise Error(f"Flag --{missing[0]} must have a value other than None.")
        return remaining

    def _parse(self, argv: list[str], known_only: bool) -> list[str]:
        for flag in self._flags().values():
            flag.present = 0
        remaining, rest = argv[:1], argv[1:]
        while rest:
            argument = rest.pop(0)
            if argument == "--":
                return remaining + rest
            if not argument.startswith("-") or argument == "-":
                remaining.append(argument)
                continue
            name, has_value, text = argument.lstrip("-").partition("=")
            found, negated = self._find(name)
            if found is None:
                if name in ("help", "h", "helpfull", "helpshort") and not has_value:
                    print(self.get_help())
                    sys.exit(0)
                if not known_only:
                    raise Error(f"Unknown command line flag '{name}'")
                remaining.append(argument)
            elif negated:
                found.set_from_text("false")
            elif has_value:
                found.set_from_text(text)
            elif found.boolean:
                spelled_out = bool(rest) and rest[0].lower() in ("true", "false")
                found.set_from_text(rest.pop(0) if spelled_out else "true")
            elif rest:
                found.set_from_text(rest.pop(0))
            else:
                raise Error(f"Missing value for flag --{name}")
        return remaining

    def _find(self, name: str) -> tuple[Flag | None, bool]:
        """The flag called `name` on the command line, and whether that is its "no" form."""
        for key in (name, name.replace("-", "_")):
            key = self.__dict__["__aliases"].get(key, key)
            if key in self._flags():
                return self._flags()[key], False
            if key.startswith("no") and key[2:] in self._flags() and self._flags()[key[2:]].boolean:
                return self._flags()[key[2:]], True
        return None, False

    def _parse_flags(self, args: Iterable[str] | None = None) -> None:
        """Parses the command line and tolerates what is unknown; TF before 1.5 had it under this name."""
        argv = [sys.argv[0], *args] if args is not None else None
        try:
            self(argv, known_only=True)
        except Error as error:
            sys.exit(f"FATAL Flags parsing error:\n  {error}\nPass --help to see the flags.")

    def is_parsed(self) -> bool:
        return self.__dict__["__parsed"]

    def mark_as_parsed(self) -> None:
        self.__dict__["__parsed"] = True

    def unparse_flags(self) -> None:
        self.__dict__["__parsed"] = False

    def __getattr__(self, name: str) -> Any:
        if name == "__flags":  # TF before 1.5: a dict of values
            return self.flag_values_dict()
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        name = self.__dict__["__aliases"].get(name, name)
        flag = self._flags().get(name)
        if flag is None:
            if name in self.__dict__["__extra"]:
                return self.__dict__["__extra"][name]
            raise AttributeError(f"Unknown flag '{name}': define it with tf.app.flags.DEFINE_*, or assign it first")
        if not self.is_parsed():
            self._parse_flags()
        return flag.value

    def __setattr__(self, name: str, value: Any) -> None:
        name = self.__dict__["__aliases"].get(name, name)
        if name in self._flags():
            if not self.is_parsed():
                self._parse_flags()
            self._flags()[name].value = value
        else:
            self.__dict__["__extra"][name] = value

    def __delattr__(self, name: str) -> None:
        if self._flags().pop(name, None) is None and self.__dict__["__extra"].pop(name, None) is None:
            raise AttributeError(name)

    def __getitem__(self, name: str) -> Flag:
        return self._flags()[name]

    def __contains__(self, name: str) -> bool:
        return name in self._flags()

    def __iter__(self) -> Iterator[str]:
        return iter(self._flags())

    def __len__(self) -> int:
        return len(self._flags())

    def __dir__(self) -> list[str]:
        return sorted(self._flags())

    def flag_values_dict(self) -> dict[str, Any]:
        """Name to value of every flag."""
        if not self.is_parsed():
            self._parse_flags()
        return {name: flag.value for name, flag in self._flags().items()}

    def get_help(self) -> str:
        """The text of --help."""
        lines = ["flags:"]
        for name, flag in sorted(self._flags().items()):
            lines.append(f"  --{'[no]' if flag.boolean else ''}{name}: {flag.help}".rstrip())
            if flag.default is not None:
                lines.append(f"    (default: {flag.default!r})")
        return "\n".join(lines)


FLAGS = FlagValues()


def _parse_bool(text: str) -> bool:
    lowered = text.lower()
    if lowered in ("true", "t", "1", "yes", "y"):
        return True
    if lowered in ("false", "f", "0", "no", "n"):
        return False
    raise ValueError(f"{text!r} is neither true nor false")


def _parse_int(text: str) -> int:
    try:
        return int(text, 0)
    except ValueError:
        return int(text)  # "007"


def _define(
    name: str, default: Any, help: str | None, parse: Callable[[str], Any], kind: str, flag_values: FlagValues | None
) -> None:
    where = sys._getframe(2).f_globals.get("__name__", "?")
    flag = Flag(name, default, help, parse, kind, where)
    if isinstance(default, str) and kind != "multi":
        flag.set_from_text(default)  # a default may be written as on the command line
        flag.default, flag.present = flag.value, 0
    (FLAGS if flag_values is None else flag_values)._define(flag)


def DEFINE_string(
    name: str, default: Any, help: str | None = None, flag_values: FlagValues | None = None, **_: Any
) -> None:
    _define(name, default, help, str, "one", flag_values)


def DEFINE_integer(
    name: str, default: Any, help: str | None = None, lower_bound: int | None = None, upper_bound: int | None = None,
    flag_values: FlagValues | None = None, **_: Any,
) -> None:  # fmt: skip
    _define(name, default, help, _bounded(_parse_int, lower_bound, upper_bound), "one", flag_values)


def DEFINE_float(
    name: str, default: Any, help: str | None = None, lower_bound: float | None = None,
    upper_bound: float | None = None, flag_values: FlagValues | None = None, **_: Any,
) -> None:  # fmt: skip
    if isinstance(default, int) and not isinstance(default, bool):
        default = float(default)
    _define(name, default, help, _bounded(float, lower_bound, upper_bound), "one", flag_values)


def DEFINE_boolean(
    name: str, default: Any, help: str | None = None, flag_values: FlagValues | None = None, **_: Any
) -> None:
    """A flag given as ``--name``, ``--noname``, ``--name=true`` or ``--name=false``."""
    _define(name, default if default is None or isinstance(default, str) else bool(default), help, _parse_bool, "bool",
            flag_values)  # fmt: skip


DEFINE_bool = DEFINE_boolean


def DEFINE_enum(
    name: str, default: Any, enum_values: Iterable[str], help: str | None = None,
    flag_values: FlagValues | None = None, **_: Any,
) -> None:  # fmt: skip
    """A string flag that takes one of `enum_values`."""
    values = list(enum_values)

    def parse(text: str) -> str:
        if text not in values:
            raise ValueError(f"value should be one of <{'|'.join(values)}>")
        return text

    _define(name, default, help, parse, "one", flag_values)


def DEFINE_list(
    name: str, default: Any, help: str | None = None, flag_values: FlagValues | None = None, **_: Any
) -> None:
    """A comma-separated list of strings."""
    _define(name, default, help, lambda text: [s.strip() for s in text.split(",")] if text else [], "one", flag_values)


def _multi_default(default: Any) -> Any:
    return default if default is None else list(default) if isinstance(default, (list, tuple)) else [default]


def DEFINE_multi_string(
    name: str, default: Any, help: str | None = None, flag_values: FlagValues | None = None, **_: Any
) -> None:
    """A flag that may be given several times."""
    _define(name, _multi_default(default), help, str, "multi", flag_values)


def DEFINE_multi_integer(
    name: str, default: Any, help: str | None = None, flag_values: FlagValues | None = None, **_: Any
) -> None:
    _define(name, _multi_default(default), help, _parse_int, "multi", flag_values)


def DEFINE_multi_float(
    name: str, default: Any, help: str | None = None, flag_values: FlagValues | None = None, **_: Any
) -> None:
    _define(name, _multi_default(default), help, float, "multi", flag_values)


def DEFINE_alias(name: str, original_name: str, flag_values: FlagValues | None = None) -> None:
    """Another name for a flag."""
    (FLAGS if flag_values is None else flag_values).__dict__["__aliases"][name] = original_name


def mark_flag_as_required(flag_name: str, flag_values: FlagValues | None = None) -> None:
    """Parsing fails unless the flag has a value."""
    (FLAGS if flag_values is None else flag_values)[flag_name].required = True


def mark_flags_as_required(flag_names: Iterable[str], flag_values: FlagValues | None = None) -> None:
    for name in flag_names:
        mark_flag_as_required(name, flag_values)


def _bounded(parse: Callable[[str], Any], lower: Any, upper: Any) -> Callable[[str], Any]:
    def parse_bounded(text: str) -> Any:
        value = parse(text)
        if (lower is not None and value < lower) or (upper is not None and value > upper):
            raise ValueError(f"{value} is not in [{lower}, {upper}]")
        return value

    return parse_bounded
