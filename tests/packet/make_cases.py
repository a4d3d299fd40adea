#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Write the packet cases. Golden frames are made by scapy, which knows nothing of lbd.

    tests/packet/make_cases.py [--check]

Each file in chapters/ has a chapter(), and each call of case() in it is one file
in cases/; --check only says whether the files are up to date. A case may also
be written by hand: see README.md.
"""
import importlib
import pathlib
import sys

from casebook import made

HERE = pathlib.Path(__file__).parent
CASES = HERE / "cases"


def main():
    for path in sorted((HERE / "chapters").glob("*.py")):
        importlib.import_module(f"chapters.{path.stem}").chapter()
    stale = [n for n, text in made.items()
             if not (CASES / f"{n}.yaml").exists() or (CASES / f"{n}.yaml").read_text() != text]
    if "--check" in sys.argv:
        sys.exit("out of date: " + ", ".join(stale) if stale else 0)
    CASES.mkdir(exist_ok=True)
    for name, text in made.items():
        (CASES / f"{name}.yaml").write_text(text)
    print(f"{len(made)} cases, {len(stale)} changed")


if __name__ == "__main__":
    main()
