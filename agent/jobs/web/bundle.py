"""The page's modules and style sheets, each joined to one file: what a browser loads in two requests instead of sixty.

The package's build does it once (`python -m agent.jobs.web.bundle FOLDER`); where the sources lie, the web job does it
when the first page is asked for. Modules are written so that lines are enough: `import { a, b as c } from "./x.js";`,
and `export` before const, function and class alone. A circle of imports or another form is an error.
"""

import os
import sys

SCRIPT = "/js/app.js"
DECLARED = ("const ", "function ", "async function ", "class ")


def script(folder: str) -> str:
    """All modules from app.js on, each in a function of its own, those that are imported first."""
    order: list[str] = []
    _visit(folder, SCRIPT, order, [])
    return "".join(_wrapped(folder, path, order) for path in order)


def style(folder: str) -> str:
    """The sheets that index.html names, in its order."""
    names = [
        line.split('href="')[1].split('"')[0] for line in _lines(folder, "/index.html") if 'rel="stylesheet"' in line
    ]
    return "\n".join(line.strip() for name in names for line in _lines(folder, name)) + "\n"


def page(folder: str) -> str:
    """index.html with the joined files in place of their parts."""
    lines = []
    for line in _lines(folder, "/index.html"):
        if 'rel="stylesheet"' not in line:
            lines.append(line.replace(SCRIPT, "/app.js"))
        elif not any("/style.css" in one for one in lines):
            lines.append('    <link rel="stylesheet" href="/style.css" />')
    return "\n".join(lines) + "\n"


def joined(folder: str) -> dict[str, str]:
    """Address → text of what replaces js/, css/ and index.html."""
    return {"/app.js": script(folder), "/style.css": style(folder), "/index.html": page(folder)}


def _lines(folder: str, path: str) -> list[str]:
    with open(folder + path, encoding="utf-8") as file:
        return file.read().splitlines()


def _statements(folder: str, path: str) -> list[str]:
    """The lines of a module without its comments, an import in one line."""
    found: list[str] = []
    comment = False
    for line in _lines(folder, path):
        text = line.strip()
        if comment or text.startswith("/**"):
            comment = "*/" not in text
            text = text.partition("*/")[2].strip()
        if found and found[-1].startswith("import ") and not found[-1].endswith(";"):
            found[-1] += " " + text
        elif text and not text.startswith("//"):
            found.append(text)
    return found


def _source(path: str, statement: str) -> str:
    """The address that an import names."""
    name = statement.split(' from "')[1].split('"')[0]
    return os.path.normpath(os.path.join(os.path.dirname(path), name))


def _visit(folder: str, path: str, order: list[str], above: list[str]) -> None:
    if path in above:
        raise ValueError("modules import each other: " + " → ".join([*above, path]))
    if path in order:
        return
    for statement in _statements(folder, path):
        if statement.startswith("import "):
            _visit(folder, _source(path, statement), order, [*above, path])
    order.append(path)


def _wrapped(folder: str, path: str, order: list[str]) -> str:
    lines, names = [], []
    for line in _statements(folder, path):
        if line.startswith("import "):
            taken = line.split("{")[1].split("}")[0].replace(" as ", ": ").strip()
            line = f"const {{ {taken} }} = m{order.index(_source(path, line))};"
        elif line.startswith("export "):
            line = line[7:]
            names.append(_declared(path, line))
        lines.append(line)
    given = f"return {{ {', '.join(names)} }};\n" if names else ""
    return f"const m{order.index(path)} = (() => {{\n" + "\n".join(lines) + f"\n{given}}})();\n"


def _declared(path: str, line: str) -> str:
    for word in DECLARED:
        if line.startswith(word):
            rest = line[len(word) :]
            return "".join(one if one.isalpha() or one.isdigit() or one in "_$" else " " for one in rest).split(" ")[0]
    raise ValueError(f"{path}: export of another kind: {line}")


def main(folder: str) -> int:
    for path, text in joined(folder).items():
        with open(folder + path, "w", encoding="utf-8") as file:
            file.write(text)
    for part in ("js", "css"):
        for where, _, names in list(os.walk(os.path.join(folder, part)))[::-1]:
            for name in names:
                os.remove(os.path.join(where, name))
            os.rmdir(where)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
