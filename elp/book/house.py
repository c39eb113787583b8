"""The rooms of `elp` and which imports which, read from the source (page "The map")."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ELP = Path(__file__).parents[1]
Arrow = tuple[str, str]


def imports(path: Path) -> list[str]:
    """Full names that a file imports, wherever: inside functions and under TYPE_CHECKING too."""
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


@dataclass(frozen=True)
class House:
    """The rooms of a package: its folders and single files, and the imports between them.

    Attributes:
        folder: of the package; its own `__init__.py`, the front door, is no room.
    """

    folder: Path = ELP

    @cached_property
    def files(self) -> dict[str, list[Path]]:
        """room -> its files."""
        found: dict[str, list[Path]] = {}
        for path in sorted(self.folder.rglob("*.py")):
            room = path.relative_to(self.folder).parts[0].removesuffix(".py")
            if room != "__init__":
                found.setdefault(room, []).append(path)
        return found

    @cached_property
    def arrows(self) -> Counter[Arrow]:
        """(room, room that it imports from) -> how many names it imports from there."""
        found: Counter[Arrow] = Counter()
        for room, paths in self.files.items():
            for name in (name for path in paths for name in imports(path)):
                package, _, rest = name.partition(".")
                other = rest.partition(".")[0]
                if package == self.folder.name and other in self.files and other != room:
                    found[room, other] += 1
        return found

    def below(self, room: str) -> set[str]:
        """All rooms that a room needs, directly or through others above the ground."""
        direct = {b for a, b in self.arrows if a == room}
        return direct.union(*(self.below(other) for other in direct - self.ground))

    @cached_property
    def drawn(self) -> dict[Arrow, int]:
        """The arrows that say something new: those that no way through other rooms above the ground
        implies, with their counts. A room that most others need is ground: no arrow to it is drawn.
        """
        kept = {}
        for (room, other), count in self.arrows.items():
            between = {b for a, b in self.arrows if a == room} - {other} - self.ground
            implied = any(other in self.below(b) for b in between)
            if not implied and not {room, other} & self.ground:
                kept[room, other] = count
        return kept

    @cached_property
    def ground(self) -> set[str]:
        """The rooms that at least half of the others import from."""
        needed = Counter(b for _, b in self.arrows)
        return {room for room, n in needed.items() if 2 * n >= len(self.files) - 1}

    @cached_property
    def floors(self) -> list[list[str]]:
        """The rooms above the ground, lowest floor first: a room that nobody imports from stands
        on the top floor, each other one right below the lowest room that does.
        """
        rooms = [room for room in self.files if room not in self.ground]
        depth: dict[str, int] = {}  # floors below the top
        while len(depth) < len(rooms):
            for room in rooms:
                users = [a for a, b in self.arrows if b == room and a not in self.ground]
                if room not in depth and all(a in depth for a in users):
                    depth[room] = max((depth[a] + 1 for a in users), default=0)
        count = max(depth.values(), default=-1) + 1
        return [[room for room in rooms if depth[room] == n] for n in reversed(range(count))]

    def says(self) -> str:
        """The picture in words."""
        floors = [f"floor {n}: {', '.join(floor)}" for n, floor in enumerate(self.floors, 1)]
        return f"On the ground {', '.join(sorted(self.ground))}; {'; '.join(floors)}."

    def size(self, room: str) -> tuple[int, int]:
        """Files and lines of a room."""
        paths = self.files[room]
        return len(paths), sum(len(p.read_text(encoding="utf-8").splitlines()) for p in paths)
