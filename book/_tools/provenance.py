"""Which files are behind each cell of a notebook, read off its code.

A variable that is assigned from `results.read("name")` carries that name; so does what is computed
from it, until the variable is assigned anew. What a method is called on, or an item of which is
set, carries what it is given as well.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

Files = set[str]


class Reader:
    """Follows the statements of a page's cells in their order."""

    def __init__(self) -> None:
        self.carried: dict[str, Files] = {}  # variable -> the files behind its value
        self.imported: set[str] = set()  # modules and functions hold no values

    def cell(self, code: str) -> Files:
        """The files behind anything that a cell reads or computes."""
        return self.block(ast.parse(code).body)

    def block(self, statements: Iterable[ast.stmt]) -> Files:
        return set().union(*(self.statement(one) for one in statements))

    def statement(self, node: ast.stmt) -> Files:
        match node:
            case ast.Assign(targets=targets, value=value):
                found = self.read(value)
                return found.union(*(self.assign(target, found) for target in targets))
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                return self.assign(target, self.read(value))
            case ast.AugAssign(target=target, value=value):
                return self.add(target, self.read(value) | self.read(target))
            case ast.For(target=target, iter=iterated, body=body, orelse=other):
                found = self.assign(target, self.read(iterated))
                # twice: what the end of a round changes, the next one begins with
                return found | self.block(body) | self.block([*body, *other])
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=owner)) as call):
                return self.add(owner, self.read(call))
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                self.imported |= {(name.asname or name.name).split(".")[0] for name in names}
                return set()
        inside = [part for part in ast.iter_child_nodes(node) if isinstance(part, ast.stmt)]
        shown = [part for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr)]
        return self.block(inside).union(*(self.read(part) for part in shown))

    def assign(self, target: ast.expr, files: Files) -> Files:
        """The target's old value is gone, unless a part of it alone is set."""
        match target:
            case ast.Name(id=name):
                self.carried[name] = set(files)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                for part in parts:
                    self.assign(part, files)
            case ast.Starred(value=value):
                self.assign(value, files)
            case _:
                return self.add(target, files | self.read(target))
        return files

    def add(self, target: ast.expr, files: Files) -> Files:
        """The variable that the target is, or is a part of, carries these files too."""
        while isinstance(target, ast.Attribute | ast.Subscript | ast.Call):
            target = target.func if isinstance(target, ast.Call) else target.value
        if isinstance(target, ast.Name) and target.id not in self.imported:
            self.carried[target.id] = self.carried.get(target.id, set()) | files
        return files

    def read(self, node: ast.AST, own: frozenset[str] = frozenset()) -> Files:
        """The files behind an expression; `own` are the variables of comprehensions around it."""
        if isinstance(node, ast.Name):
            return set() if node.id in own else self.carried.get(node.id, set())
        found: Files = set()
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "results.read":
            found = {str(arg.value) for arg in node.args if isinstance(arg, ast.Constant)}
        own |= {
            name.id
            for part in getattr(node, "generators", ())
            for name in ast.walk(part.target)
            if isinstance(name, ast.Name)
        }
        return found.union(*(self.read(part, own) for part in ast.iter_child_nodes(node)))
