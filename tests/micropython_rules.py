"""What MicroPython cannot read, or reads otherwise than CPython: found in a module's syntax tree."""

import ast
from collections.abc import Iterator

ABSENT_METHODS = {
    *("removeprefix", "removesuffix", "zfill", "ljust", "rjust", "isalnum", "isascii", "isdecimal", "isnumeric"),
    *("isidentifier", "isprintable", "istitle", "title", "capitalize", "swapcase", "casefold", "expandtabs"),
    *("format_map", "maketrans", "translate", "bit_length", "bit_count", "hexdigest", "as_integer_ratio"),
}
# MicroPython has OSError with an errno, and UnicodeError.
ABSENT_ERRORS = {
    *("FileNotFoundError", "FileExistsError", "PermissionError", "ConnectionError", "ConnectionResetError"),
    *("ConnectionRefusedError", "BrokenPipeError", "TimeoutError", "BlockingIOError", "InterruptedError"),
    *("IsADirectoryError", "NotADirectoryError", "ProcessLookupError", "ChildProcessError", "IOError"),
    *("UnicodeDecodeError", "UnicodeEncodeError", "ExceptionGroup", "ModuleNotFoundError", "RecursionError"),
}
STRUCT_CALLS = ("pack", "unpack", "pack_into", "unpack_from", "calcsize", "iter_unpack")


def findings(tree: ast.AST) -> Iterator[str]:
    """A sentence, with its line, for each construct that core leaves out."""
    for node in ast.walk(tree):
        for check in CHECKS.get(type(node), ()):
            sentence = check(node)
            if sentence:
                yield f"line {getattr(node, 'lineno', '?')}: {sentence}"


def _positional_only(node: ast.arguments) -> str | None:
    return f"positional-only argument {node.posonlyargs[0].arg}" if node.posonlyargs else None


def _starred_display(node: ast.List | ast.Tuple | ast.Set) -> str | None:
    loaded = not isinstance(getattr(node, "ctx", None), ast.Store)
    return "* inside a display" if loaded and any(isinstance(item, ast.Starred) for item in node.elts) else None


def _starred_dict(node: ast.Dict) -> str | None:
    return "** inside a dict display" if None in node.keys else None


def _step(node: ast.Slice) -> str | None:
    return "a slice with a step" if node.step is not None else None


def _attribute(node: ast.Attribute) -> str | None:
    owner = node.value.id if isinstance(node.value, ast.Name) else ""
    return f"struct.{node.attr}" if owner == "struct" and node.attr in ("Struct", "error", "iter_unpack") else None


def _name(node: ast.Name) -> str | None:
    return node.id if node.id in ABSENT_ERRORS else None


def _class(node: ast.ClassDef) -> str | None:
    if node.keywords:
        return f"class {node.name} with a metaclass or keywords"
    bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
    methods = {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
    return f"class {node.name}: a tuple with __new__" if "tuple" in bases and "__new__" in methods else None


def _call(node: ast.Call) -> str | None:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    keywords = {keyword.arg for keyword in node.keywords}
    if isinstance(node.func, ast.Attribute) and name in ABSENT_METHODS:
        return f".{name}()"
    if name in ("decode", "encode") and ("errors" in keywords or any(map(_text, node.args[1:]))):
        return f"{name}(errors=)"
    if name == "str" and len(node.args) > 2:
        return "str(…, errors)"
    if name in ("split", "rsplit", "splitlines", "replace", "find", "encode", "decode") and keywords:
        return f"keyword argument of {name}"
    if name == "zip" and "strict" in keywords:
        return "zip(strict=)"
    native = name in STRUCT_CALLS and node.args and isinstance(node.args[0], ast.Constant)
    return 'struct format "="' if native and str(node.args[0].value).startswith("=") else None  # type: ignore[attr-defined]


def _text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _always(what: str) -> object:
    return lambda _node: what


CHECKS: dict[type, tuple] = {
    ast.arguments: (_positional_only,),
    ast.List: (_starred_display,),
    ast.Tuple: (_starred_display,),
    ast.Set: (_starred_display,),
    ast.Dict: (_starred_dict,),
    ast.Slice: (_step,),
    ast.Attribute: (_attribute,),
    ast.Name: (_name,),
    ast.ClassDef: (_class,),
    ast.Call: (_call,),
    ast.Match: (_always("a match statement"),),
    ast.TryStar: (_always("except*"),),
    ast.AsyncFunctionDef: (_always("an async function"),),
    ast.AsyncWith: (_always("async with"),),
    ast.AsyncFor: (_always("async for"),),
}
