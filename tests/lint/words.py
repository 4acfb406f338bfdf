"""words.py - calls that are banned, names that have no place in the core, openings of files.

SPDX-License-Identifier: MIT
"""
import re

from source import TOP, blank, files, name, report

BANNED = re.compile(r"\b(strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|gets|system|popen|alloca"
                    r"|localtime|gmtime|asctime|ctime)\s*\(")
PERFORM = re.compile(r"\bcurl_easy_perform\s*\(")
# Words of plugins' tables that the core says too, and what it means by them.
CORE_WORDS = set((
    "http url method headers body query timeout server "  # the protocol
    "channel message format signature secrets "  # members of the API and of events; SQL's columns
    "from rate relay "  # English, in sentences
).split())
# One place, one word.
CORE_PLACES = {("app/channel/field_schema.c", "email"),  # a format of JSON Schema
               ("app/api/openapi.c", "tags")}  # a member of OpenAPI
KEY = re.compile(r'\.(?:key|alias)\s*=\s*"([^"]+)"')
NAME = re.compile(r'^\s*\.name\s*=\s*"([^"]+)"', re.M)
INCLUDE = re.compile(r'^\s*#\s*include.*$', re.M)


def channel_words():
    """Names and keys of every plugin that the core must not know: from their tables."""
    words = set()
    for path in files("plugins", "examples", suffixes=(".c",)):
        text = blank(path.read_text(), keep_strings=True)
        words.update(KEY.findall(text))
        if "TOCSIN_CHANNEL_DEFINE" in text:
            words.update(NAME.findall(text))
    return sorted(words - CORE_WORDS)


def lines_matching(pattern, text):
    for number, line in enumerate(text.splitlines(), 1):
        found = pattern.search(line)
        if found:
            yield number, found.group(1) if found.groups() else found.group(0)


def opening_faults(path, text):
    head = "\n".join(text.splitlines()[:12])
    if "SPDX-License-Identifier: MIT" not in head:
        yield f"{name(path)}: no SPDX-License-Identifier: MIT in its opening comment"
    if not text.startswith(f"/* {path.name} - ") and not text.startswith(f"/* tocsin/{path.name}"):
        yield f"{name(path)}: opens with something else than /* {path.name} - what it does"


def listed_faults():
    """Every source is in a fragment; automake would only notice at dist time."""
    for folder in ("app", "plugins", "tests"):
        fragments = "".join(path.read_text() for path in (TOP / folder).rglob("*.am"))
        for path in files(folder):
            stem = re.sub(r"\.[ch]$", "", path.name)
            if not re.search(r"[/\s]" + re.escape(stem) + r"(\.[ch])?\b", fragments):
                yield f"{name(path)}: in no .am fragment"


def main():
    faults = []
    # The core knows no channel: neither its name nor its fields.
    channels = re.compile(r'"[^"]*?\b(' + "|".join(channel_words()) + r')\b[^"]*"')
    for path in files("app", "plugins", "tests", "examples"):
        text = path.read_text()
        code = blank(text)
        where = name(path)
        faults.extend(opening_faults(path, text))
        for number, word in lines_matching(BANNED, code):
            faults.append(f"{where}:{number}: {word}() is banned")
        if where.startswith("app/") and where != "app/delivery/lane.c":
            for number, word in lines_matching(PERFORM, code):
                faults.append(f"{where}:{number}: curl_easy_perform() belongs in the blocking lane")
        if where.startswith("app/"):
            strings = INCLUDE.sub("", blank(text, keep_strings=True))
            for number, word in lines_matching(channels, strings):
                if (where, word) in CORE_PLACES:
                    continue
                faults.append(f"{where}:{number}: \"{word}\" is a channel's business, not the core's")
    faults.extend(listed_faults())
    report(faults)


main()
