#!/usr/bin/env python3
"""The names in the documents exist. Usage: documents.py ROOT. Exit 0 when all do.

Checks README.md, ARCHITECTURE.md, CONTRIBUTING.md, docs/*.md and tests/bench/README.md:
1. A link leads to a file, and its anchor to a heading of that file.
2. A metric (inspectd_...) is one that the daemon writes.
3. In backticks: a setting is a row of daemon/settings_table.h, a route a row of api/resources/routes.c, an `inspectd` or
   `./dev` command exists with its options, a file is in the tree, a word_with_underscores stands in the sources.
4. Lines have at most 115 characters, except those of tables, code and images.
tests/http/test_documents.py runs the commands.
"""
import os
import pathlib
import re
import sys

COLUMNS = 115
SOURCES = (".c", ".h", ".cpp", ".hpp", ".js", ".py", ".yaml", ".yml", ".in", ".cmake", "CMakeLists.txt", "dev")
OTHERS = {".git", "build", "node_modules", "state", "__pycache__"}  # folders that are no part of the tree
FOLDERS = ("core/", "api/", "daemon/", "tests/", "docs/", "docker/", "systemd/", "config/", "cmake/")
SUFFIXES = "c|h|cpp|hpp|py|js|mjs|md|yml|in|sh"
# Words of other programs, patterns of names, and files that people make.
FOREIGN = {"oom_score_adj", "quick_check", "x_new", "x_free", "modbus_receive", "modbus_reply", "docker/prometheus.token"}


def documents(root):
    names = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "tests/bench/README.md")
    return [root / name for name in names] + sorted((root / "docs").glob("*.md"))


def without_blocks(text):
    return re.sub(r"^```.*?^```$", lambda block: "\n" * block[0].count("\n"), text, flags=re.M | re.S)


def anchors(path):
    """The anchors that GitHub gives headings."""
    headings = re.findall(r"^#+ (.*)$", without_blocks(path.read_text()), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(path, text):
    for target in re.findall(r"\]\(([^)\s]+)\)", without_blocks(text)):
        if re.match(r"https?:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        if not file.exists():
            yield f"links to {target}, which is not there"
        elif anchor and anchor not in anchors(file):
            yield f"links to {target}: no such heading"


class Known:
    """All names that the tree has."""

    def __init__(self, root):
        self.files = set()
        for folder, folders, files in os.walk(root):
            folders[:] = [name for name in folders if name not in OTHERS]
            self.files |= {os.path.relpath(os.path.join(folder, name), root) for name in files}
        self.names = {pathlib.PurePath(name).name for name in self.files}
        read = lambda name: (root / name).read_text()
        rows = re.findall(r"^ *X\((\w+), (\w+),", read("daemon/settings_table.h"), re.M)
        self.settings = {f"{section}.{key}" for section, key in rows}
        self.sections = {setting.split(".")[0] for setting in self.settings}
        self.routes = re.findall(r'^ *\{"([A-Z]+)", "([^"]+)"', read("api/resources/routes.c"), re.M)
        self.commands = re.findall(r'^    \{"([a-z][a-z -]*)", "', read("daemon/cli/cli.c"), re.M) + ["job"]
        self.dev = re.findall(r"^([a-z0-9]+(?:-[a-z0-9]+)*)(?: \||\))", read("dev"), re.M)
        self.metrics = set()
        for name in ("api/watch/prometheus.c", "api/watch/storage.c", "api/watch/drift_metrics.c", "api/shadow/shadow_metrics.c", "api/modbus/modbus_metrics.c", "api/sinks/sinks.c", "api/cameras/cameras_get.c",
                     "api/sources/sources_get.c"):
            self.metrics |= set(re.findall(r'"(inspectd_\w+)', read(name)))
        text = [(root / name).read_text(errors="replace") for name in self.files if name.endswith(SOURCES)]
        self.words = set(re.findall(r"\w+", "\n".join(text)))
        self.options = set(re.findall(r'\{"([a-z][a-z-]+)", (?:CLI_|"?[a-z-]*"?, [A-Z])', "\n".join(text)))
        self.options |= set(re.findall(r'"([a-z-]+)", (?:TRAIN|FOLDS|EVALUATE)', read("daemon/commands/cli_train.c")))
        self.options |= {"config", "help"}
        self.options |= set(re.findall(r'add_argument\("--([a-z-]+)"', "\n".join(text)))

    def has_route(self, method, path):
        """`{product}`, `carpet`, `$ID`: any text stands for a parameter of the route, a name in braces only for its own."""
        for known_method, pattern in self.routes:
            pieces = [re.sub(r"[*.]+}", "}", piece) for piece in pattern.split("/")]
            asked = path.split("/")
            if method in (known_method, None) and len(pieces) == len(asked) and all(
                    piece == word or (piece.startswith("{") and word and not word.startswith("{"))
                    for piece, word in zip(pieces, asked)):
                return True
        return False

    def has_file(self, name):
        name = re.sub(r"<\w+>", "*", name.rstrip("/"))
        if any(character in name for character in "*?"):
            return any(pathlib.PurePath(file).match(name) for file in self.files)
        return name in self.files or any(file.startswith(name + "/") for file in self.files)


def unknown_metrics(known, text):
    for name in set(re.findall(r"\binspectd_[a-z_]+", text)) - {"inspectd_fake"}:
        if re.sub(r"_(bucket|sum|count)$", "", name) not in known.metrics and name not in known.metrics:
            yield f"names the metric {name}, which the daemon does not write"


def unknown_route(known, code):
    found = re.match(r"([A-Z]+) (/[^\s?]*)", code) or \
        re.match(r"()(/(?:v1/|metrics|healthz|readyz|openapi|dashboard)[^\s?]*)$", code)
    if found and not found[2].endswith("/") and not known.has_route(found[1] or None, found[2]):
        return f"no route {code}"
    if found and found[2].endswith("/") and found[2] != "/" and not any(p.startswith(found[2]) for _, p in known.routes):
        return f"no routes below {found[2]}"
    return None


def unknown_command(known, code):
    words = code.split()
    if words[0] == "./dev" and len(words) > 1 and words[1] not in known.dev:
        return f"./dev knows no {words[1]}"
    if words[0] == "inspectd" and len(words) > 1 and not words[1].startswith("-"):
        if words[1] not in known.commands and " ".join(words[1:3]) not in known.commands:
            return f"inspectd has no command {words[1]}"
    if words[0] in ("inspectd",) or words[0].startswith("--"):
        for option in re.findall(r"--([a-z][a-z-]+)", code):
            if option not in known.options:
                return f"no option --{option}"
    return None


def unknown_name(known, code):
    """What is wrong with a text in backticks, or None."""
    if code in FOREIGN:
        return None
    setting = re.match(r"([a-z]+)\.([a-z][a-z0-9_]*)\b", code)
    if setting and setting[1] in known.sections and not re.match(rf"\w+\.(?:{SUFFIXES})$", code):
        return None if setting[0] in known.settings else f"no setting {setting[0]}"
    if code.startswith(FOLDERS) and " " not in code:
        return None if known.has_file(code) or known.has_file(code + ".*") else f"no file {code}"
    if re.fullmatch(rf"[\w-]+\.(?:{SUFFIXES})", code):
        return None if code in known.names else f"no file is called {code}"
    if re.fullmatch(r"[a-z]+(?:_[a-z0-9]+)+", code):
        return None if code in known.words else f"{code} stands nowhere in the sources"
    return unknown_route(known, code) or unknown_command(known, code)


def long_lines(text):
    for number, line in enumerate(without_blocks(text).split("\n"), 1):
        if len(line) > COLUMNS and not re.match(r"\s*(\||!\[)", line):
            yield f"line {number} has {len(line)} characters"


def faults(root):
    known = Known(root)
    for path in documents(root):
        text = path.read_text()
        found = [*broken_links(path, text), *unknown_metrics(known, text), *long_lines(text)]
        for code in re.findall(r"`([^`\n]+)`", without_blocks(text)):
            if fault := unknown_name(known, code):
                found.append(fault)
        yield from (f"{path.relative_to(root)}: {fault}" for fault in found)


def main():
    found = list(faults(pathlib.Path(sys.argv[1]).resolve()))
    print("\n".join(found), file=sys.stderr, end="\n" if found else "")
    print(f"documents: {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
