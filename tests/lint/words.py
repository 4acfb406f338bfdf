"""words.py - calls that are banned, names that have no place in the core, openings of files.

SPDX-License-Identifier: MIT
"""
import re

from source import TOP, blank, files, name, report

BANNED = re.compile(r"\b(strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|gets|system|popen|alloca"
                    r"|localtime|gmtime|asctime|ctime)\s*\(")
PERFORM = re.compile(r"\bcurl_easy_perform\s*\(")
# The core knows no channel: neither its name nor its fields.
CHANNELS = re.compile(
    r'"[^"]*\b(slack|sms|smtp|to_addresses|cc_addresses|bcc_addresses|subject_template'
    r'|body_template|phone_numbers|message_template|payload_template|blocks_template|webhook_url'
    r'|bot_token|icon_emoji|icon_url|workspace_id)\b[^"]*"')


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
    for path in files("app", "plugins", "tests"):
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
            for number, word in lines_matching(CHANNELS, blank(text, keep_strings=True)):
                faults.append(f"{where}:{number}: \"{word}\" is a channel's business, not the core's")
    faults.extend(listed_faults())
    report(faults)


main()
