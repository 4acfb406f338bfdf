"""floors.py - a file includes its own floor and lower ones; each library has its floor.

The table is docs/architecture.md's. Cycles between files are faults too.
SPDX-License-Identifier: MIT
"""
import re

from source import TOP, files, name, report

FLOORS = ["base", "template", "conf", "model", "store", "channel", "domain", "delivery", "api",
          "main"]

# Header of a library (a pattern) and the floors that may include it.
LIBRARIES = [
    (r"openssl/.*", {"base"}),
    (r"curl/.*", {"base", "channel", "delivery", "main"}),  # main: global start-up only
    (r"libconfig\.h", {"conf"}),
    (r"sqlite3\.h|libpq.*", {"store"}),
    (r"json-c/.*", {"channel", "domain", "api"}),
    (r"dlfcn\.h|elf\.h|link\.h", {"channel"}),
    (r"fcgi.*", {"api"}),
]
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)


def module(path):
    """x.c and x.h are one module."""
    return re.sub(r"\.[ch]$", "", path)


def cycle_find(graph):
    """One cycle as a list of names, or None."""
    done, path = set(), []

    def walk(node):
        if node in path:
            return path[path.index(node):] + [node]
        if node in done:
            return None
        path.append(node)
        for following in sorted(graph.get(node, ())):
            found = walk(following)
            if found:
                return found
        path.pop()
        done.add(node)
        return None

    for start in sorted(graph):
        found = walk(start)
        if found:
            return found
    return None


def main():
    faults, graph = [], {}
    for path in files("app"):
        here = path.relative_to(TOP / "app")
        floor = here.parts[0]
        if floor not in FLOORS:
            faults.append(f"{name(path)}: {floor} is no floor (tests/lint/floors.py)")
            continue
        for kind, target in INCLUDE.findall(path.read_text()):
            other = target.split("/")[0]
            if kind == '"' and other in FLOORS:
                if FLOORS.index(other) > FLOORS.index(floor):
                    faults.append(f"{name(path)}: includes {target} of a higher floor")
                if not (TOP / "app" / target).exists():
                    faults.append(f"{name(path)}: includes {target}, which is not there")
                if module(str(here)) != module(target):
                    graph.setdefault(module(str(here)), set()).add(module(target))
            elif kind == '"' and target != "tocsin/channel.h":
                faults.append(f'{name(path)}: write "{target}" with its floor')
            for pattern, allowed in LIBRARIES:
                if re.fullmatch(pattern, target) and floor not in allowed:
                    faults.append(f"{name(path)}: {target} belongs in {', '.join(sorted(allowed))}")
    found = cycle_find(graph)
    if found:
        faults.append("cycle: " + " -> ".join(found))
    report(faults)


main()
