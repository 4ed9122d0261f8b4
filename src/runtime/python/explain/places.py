# Whose code a file is, and which function is around a line of it. Part of the driver in a run that is explained.

import gc
import sys


class Places:
    """Places in source files, as they are told."""

    def __init__(self, own_file):
        import ast, dis, sysconfig, types

        self.ast, self.dis, self.types = ast, dis, types
        self.own_file = own_file
        self.sources, self.owners = {}, {}
        paths = sysconfig.get_paths()
        self.language = tuple({paths[name].rstrip("/") + "/" for name in ("stdlib", "platstdlib")})
        self.packages = tuple({paths[name].rstrip("/") + "/" for name in ("purelib", "platlib")})

    def owner(self, file):
        known = self.owners.get(file)
        if known is None:
            known = self.owners[file] = self.owner_of(file)
        return known

    def owner_of(self, file):
        if file == self.own_file:
            return "driver"
        # Code that was made at run time: who has it made is the place.
        if file.startswith("<"):
            return "language"
        if file.startswith(self.packages) or "/site-packages/" in file or "/dist-packages/" in file:
            return "package"
        return "language" if file.startswith(self.language) else "case"

    def place(self, file, line):
        return {"file": file, "line": line, "function": self.function(file, line), "owner": self.owner(file)}

    def function(self, file, line):
        """The function around a line; empty at the top level of a file, or where there is no source."""
        if file not in self.sources:
            self.sources[file] = spans = []
            if not file.endswith(".py"):
                spans.extend(self.compiled(file))
            else:
                ast = self.ast
                try:
                    with open(file, "rb") as source:
                        tree = ast.parse(source.read())
                except (OSError, SyntaxError, ValueError, RecursionError):
                    tree = ast.Module([], [])
                stack = [(tree, "")]
                while stack:
                    node, name = stack.pop()
                    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                        name = name + "." + node.name if name else node.name
                        if not isinstance(node, ast.ClassDef):
                            spans.append((node.lineno, node.end_lineno, name))
                    stack.extend((child, name) for child in ast.iter_child_nodes(node))
        around = [span for span in self.sources[file] if span[0] <= line <= span[1]]
        return max(around)[2] if around else ""

    def compiled(self, file):
        """The functions of a file that is no Python file as such: the case, whose snippet was compiled."""
        codes = [one.__code__ for one in gc.get_objects() if type(one) is self.types.FunctionType]
        seen = set()
        while codes:
            code = codes.pop()
            if code.co_filename != file or id(code) in seen:
                continue
            seen.add(id(code))
            codes.extend(one for one in code.co_consts if type(one) is self.types.CodeType)
            lines = [line for _, line in self.dis.findlinestarts(code) if line]
            name = getattr(code, "co_qualname", code.co_name)
            if lines and not name.endswith(">") and name not in ("run", "setup", "teardown"):
                yield min(lines), max(lines), name.replace(".<locals>", "").removeprefix("run.") if hasattr(
                    str, "removeprefix") else name
