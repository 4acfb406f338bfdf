"""lengths.py - functions of 80 lines, 4 levels and 6 parameters; files of 600 lines of 100 columns.

Relies on the house's layout: a function's braces stand in the first column.
SPDX-License-Identifier: MIT
"""
import re

from source import blank, files, name, report

LINES_MAX, LEVELS_MAX, PARAMETERS_MAX, FILE_MAX, COLUMNS_MAX = 80, 4, 6, 600, 100
BLOCK = re.compile(r"(\)|\belse|\bdo|:|^|[;{}])\s*$")


def parameters(signature):
    """How many the outermost last pair of parentheses holds."""
    start = signature.find("(")
    depth, commas = 0, 0
    for c in signature[start:]:
        depth += c in "([{"
        depth -= c in ")]}"
        commas += c == "," and depth == 1
        if depth == 0:
            break
    inside = signature[start + 1:].strip()
    return 0 if inside.startswith(("void)", ")")) else commas + 1


def levels(body):
    """Deepest nesting of blocks; initialisers' braces are no blocks."""
    stack, deepest = [], 0
    for at, c in enumerate(body):
        if c == "{":
            before = body[max(0, at - 80):at]
            is_block = bool(BLOCK.search(before)) and not re.search(r"=\s*$", before) and \
                not re.search(r"\(\s*(const\s+)?(struct|union)\s+\w+(\[\])?\s*\)\s*$", before)
            stack.append(is_block)
            deepest = max(deepest, sum(stack))
        elif c == "}" and stack:
            stack.pop()
    return deepest


def function_faults(path, lines):
    start = None
    for number, line in enumerate(lines):
        if line.rstrip() == "{" and number > 0:
            start = number
        elif start is not None and line.startswith("}"):
            first = start - 1
            while first > 0 and re.match(r"\s", lines[first]):
                first -= 1
            signature = " ".join(lines[first:start])
            found = re.search(r"(\w+)\s*\(", signature)
            if found and ")" in signature:
                label = f"{name(path)}:{first + 1}: {found.group(1)}()"
                body_lines = number - start - 1
                if body_lines > LINES_MAX:
                    yield f"{label} has {body_lines} lines; {LINES_MAX} are allowed"
                depth = levels("\n".join(lines[start + 1:number]))
                if depth > LEVELS_MAX:
                    yield f"{label} nests {depth} levels; {LEVELS_MAX} are allowed"
                count = parameters(signature)
                if count > PARAMETERS_MAX:
                    yield f"{label} takes {count} parameters; {PARAMETERS_MAX} are allowed"
            start = None


def main():
    faults = []
    for path in files("app", "plugins", "tests", "examples"):
        text = path.read_text()
        lines = text.splitlines()
        if len(lines) > FILE_MAX:
            faults.append(f"{name(path)}: {len(lines)} lines; {FILE_MAX} are allowed")
        for number, line in enumerate(lines, 1):
            width = len(line.expandtabs(8))
            if width > COLUMNS_MAX:
                faults.append(f"{name(path)}:{number}: {width} columns; {COLUMNS_MAX} are allowed")
        faults.extend(function_faults(path, blank(text).splitlines()))
    report(faults)


main()
