#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Parses the named files and reports imports and local names that nobody uses."""

import ast
import sys


def imported(tree):
    """Names that an import binds, with their lines."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                yield (alias.asname or alias.name).split(".")[0], node.lineno


def used(tree):
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and any(isinstance(target, ast.Name) and target.id == "__all__"
                                                for target in node.targets):
            names |= {item.value for item in ast.walk(node.value) if isinstance(item, ast.Constant)}
    return names


def check(path):
    with open(path, encoding="utf-8") as source:
        text = source.read()
    try:
        tree = ast.parse(text, path)
    except SyntaxError as err:
        return [f"{path}:{err.lineno}: {err.msg}"]
    names = used(tree)
    lines = text.splitlines()
    return [f"{path}:{line}: {name} is imported and not used" for name, line in imported(tree)
            if name not in names and name != "*" and "noqa" not in lines[line - 1]]


def main():
    found = [message for path in sys.argv[1:] for message in check(path)]
    for message in found:
        print(message)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
