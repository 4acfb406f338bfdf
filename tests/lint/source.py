"""source.py - finding and reading C files, shared by the lint scripts.

SPDX-License-Identifier: MIT
"""
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]

# Comments and literals, so that what looks like code in them is not taken for code.
TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def files(*folders, suffixes=(".c", ".h")):
    for folder in folders:
        for path in sorted((TOP / folder).rglob("*")):
            if path.suffix in suffixes and path.is_file():
                yield path


def name(path):
    return str(path.relative_to(TOP))


def blank(text, keep_strings=False):
    """text with comments (and literals) replaced by blanks; lines stay where they are."""
    def replace(match):
        token = match.group(0)
        if token[0] == "/":
            return re.sub(r"[^\n]", " ", token)
        if keep_strings:
            return token
        return token[0] + " " * (len(token) - 2) + token[-1]
    return TOKEN.sub(replace, text)


def report(faults):
    for fault in faults:
        print(fault)
    sys.exit(1 if faults else 0)
