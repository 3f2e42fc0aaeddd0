"""What run_ops.py and run_models.py do: the rows of a package, in this process or compared with peers."""

import importlib
import pathlib
import sys
from types import ModuleType

from compare import compare, parser
from libraries import Arrays, Eager, Graph, load, waiter
from timing import Suite


def main(script: str, doc: str | None, package: ModuleType) -> None:
    families = package.FAMILIES
    p = parser(doc)
    p.add_argument("families", nargs="*", metavar="FAMILY", help=f"default: {' '.join(families)}")
    p.add_argument("--list", action="store_true", help="names of the rows")
    args = p.parse_args()
    known = {path.stem for path in pathlib.Path(package.__path__[0]).glob("[!_]*.py")}
    if unknown := set(args.families) - known:
        p.error(f"no family {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}")
    chosen = args.families or families
    if args.peer and not args.list:
        sys.exit(0 if compare(script, args, [(family,) for family in chosen]) else 1)

    suite = Suite(args.budget, args.only)
    library = None
    if not args.list:
        library = load(args.lib, args.on)
        suite.finish = waiter(args.lib, library, args.on)
    for family in chosen:
        for row in importlib.import_module(f"{package.__name__}.{family}").ROWS:
            name = f"{family}/{row.name}"
            if not suite.wants(name):
                continue
            if args.list:
                print(name)
                continue
            run(suite, name, row, args.lib, library, not args.no_graphs)
    suite.end(args.json, getattr(library, "__version__", "?"))


def run(suite, name, row, lib, library, graphs):
    known = dict(flops=row.flops, bytes=row.bytes, tolerance=row.tolerance)
    eager = lib.startswith("torch") or lib in ("cupy", "numpy")
    work = row.eager if eager else row.graph
    if work is None or lib in row.lacked_by or (lib in ("cupy", "numpy") and not row.arrays):
        return
    try:
        if eager:
            target = Eager(library, compiled=lib == "torch-compile") if lib.startswith("torch") else Arrays(library)
            call, check = work(target, *row.args)
            suite.time(name, call, check=check, **known)
            target.close()
            return
        with library.Graph().as_default():
            target = Graph(library, graphs)
            call, check = work(target, *row.args)
            suite.time(name, call, check=check, **known)
            target.close()
    except Exception as e:  # a library without some part: say so, go on
        suite.failed(name, e)
