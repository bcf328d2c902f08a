"""The page's modules and style sheets, each joined to one file: what a browser loads in two requests instead of sixty.

The package's build does it once (`python -m agent.jobs.web.bundle FOLDER`); where the sources lie, the web job does it
when the first page is asked for. Modules are written so that lines are enough: `import { a, b as c } from "./x.js";`,
and `export` before const, function and class alone. A circle of imports or another form is an error.

What only other views need is a second file: app.js loads it by `import("./more.js")`. A catalogue of texts is two files
as well: what the page says, and what the router says, which is needed when the router has something to say.
"""

import json
import os
import sys

SCRIPT = "/js/app.js"
MORE = "/js/more.js"
OPENER, OPENER_SCRIPT = "/week-opener.html", "/js/opener.js"
LATER = 'import("./more.js")'
DECLARED = ("const ", "function ", "async function ", "class ")
TEXTS = "/text/"
SOURCE_LANGUAGE = "en"  # the page's keys; whatever else a catalogue has translates a sentence of the router


def script(folder: str) -> str:
    """All modules from app.js on, each in a function of its own, those that are imported first."""
    order: list[str] = []
    _visit(folder, SCRIPT, order, [])
    text = "".join(_wrapped(folder, path, order) for path in order)
    # The address of the second file is what index.html says: there it has its hash.
    address = 'document.querySelector("link[data-more]").href'
    return text.replace(LATER, f"import({address}).then((more) => more.made({_names(order[:-1])}))")


def more(folder: str) -> str:
    """The modules that more.js needs besides those of app.js, which it is handed."""
    first: list[str] = []
    _visit(folder, SCRIPT, first, [])
    order = list(first)
    _visit(folder, MORE, order, [])
    text = "".join(_wrapped(folder, path, order) for path in order[len(first) :])
    return f"export const made = ({_names(first[:-1])}) => {{\n{text}return m{len(order) - 1};\n}};\n"


def _names(order: list[str]) -> str:
    return "[" + ", ".join(f"m{number}" for number in range(len(order))) + "]"


def texts(folder: str) -> dict[str, str]:
    """Address → text of each catalogue: /text/XX.json has the page's own words, /text/XX.sentences.json the router's.

    What is not translated yet is English.
    """
    read = {name[:-5]: json.loads(_text(folder, TEXTS + name)) for name in sorted(os.listdir(folder + TEXTS))}
    page_keys = read[SOURCE_LANGUAGE]
    made = {}
    for language, words in read.items():
        made[f"{TEXTS}{language}.json"] = {key: words.get(key, page_keys[key]) for key in page_keys}
        if language != SOURCE_LANGUAGE:
            made[f"{TEXTS}{language}.sentences.json"] = {key: words[key] for key in words if key not in page_keys}
    return {path: json.dumps(words, ensure_ascii=False, separators=(",", ":")) for path, words in made.items()}


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
            lines.append(line.replace(SCRIPT, "/app.js").replace(MORE, "/more.js"))
        elif not any("/style.css" in one for one in lines):
            lines.append('    <link rel="stylesheet" href="/style.css" />')
    return "\n".join(lines) + "\n"


def opener(folder: str) -> str:
    """The page that opens weekly files from a disk: all of it in one file."""
    order: list[str] = []
    _visit(folder, OPENER_SCRIPT, order, [])
    text = "".join(_wrapped(folder, path, order) for path in order)
    tag = f'<script type="module" src="{OPENER_SCRIPT}"></script>'
    return _text(folder, OPENER).replace(tag, f'<script type="module">\n{text}</script>')


def joined(folder: str) -> dict[str, str]:
    """Address → text of what replaces js/, css/, text/ and index.html."""
    parts = {
        "/app.js": script(folder),
        "/more.js": more(folder),
        "/style.css": style(folder),
        "/index.html": page(folder),
        OPENER: opener(folder),
    }
    return parts | texts(folder)


def _text(folder: str, path: str) -> str:
    with open(folder + path, encoding="utf-8") as file:
        return file.read()


def _lines(folder: str, path: str) -> list[str]:
    return _text(folder, path).splitlines()


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
