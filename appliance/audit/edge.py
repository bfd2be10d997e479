"""The right edge of the tree in memory: all that appending needs, however long the log is."""

from dataclasses import dataclass, field

from appliance.audit.layout import TILE_WIDTH
from appliance.audit.merkle import Frontier, complete_root
from appliance.audit.tiles import TileStore, place


@dataclass
class Edge:
    """The tree's size, its frontier, the hashes of each level's partial tile, and the entries of the partial bundle.

    At most 255 hashes a level and 255 entries.
    """

    size: int = 0
    frontier: Frontier = field(default_factory=Frontier)
    tiles: list[list[bytes]] = field(default_factory=lambda: [[]])
    entries: list[bytes] = field(default_factory=list)

    @classmethod
    def of_full_bundles(cls, store: TileStore, bundles: int) -> "Edge":
        """The edge of a tree of 256 * `bundles` leaves, from the tiles on the disk."""
        edge = cls(size=bundles * TILE_WIDTH)
        counts, rest = [0], bundles
        while rest:
            counts.append(rest % TILE_WIDTH)
            rest //= TILE_WIDTH
        edge.tiles = [[] for _ in counts]
        for level in range(len(counts) - 1, 0, -1):
            number = edge.size // TILE_WIDTH ** (level + 1)
            for offset in range(counts[level]):
                value = complete_root(store.hashes(level - 1, number * TILE_WIDTH + offset))
                edge.tiles[level].append(value)
                edge.frontier.push(value, 8 * level)
        return edge

    def root_with(self, leaves: list[bytes]) -> bytes:
        """The root after `leaves`; nothing changes yet."""
        grown = self.frontier.copy()
        for leaf in leaves:
            grown.push(leaf)
        return grown.root()

    def full_tiles_with(self, leaves: list[bytes]) -> list[tuple[int, int, list[bytes]]]:
        """The tiles that `leaves` complete, as (level, number, hashes); nothing changes yet."""
        done = []
        level, number, row = 0, self.size // TILE_WIDTH, [*self.tiles[0], *leaves]
        while len(row) == TILE_WIDTH:
            done.append((level, number, row))
            level, carried = level + 1, complete_root(row)
            number //= TILE_WIDTH
            row = [*(self.tiles[level] if level < len(self.tiles) else []), carried]
        return done

    def add(self, entries: list[bytes], leaves: list[bytes]) -> None:
        """Grow. `leaves` stay within the bundle that is open."""
        if len(self.tiles[0]) + len(leaves) > TILE_WIDTH:
            raise ValueError("a batch does not cross a bundle")
        for leaf in leaves:
            self.frontier.push(leaf)
        full = self.full_tiles_with(leaves)
        self.tiles[0] += leaves
        self.entries += entries
        for level, _, row in full:
            self.tiles[level] = []
            if level + 1 == len(self.tiles):
                self.tiles.append([])
            self.tiles[level + 1].append(complete_root(row))
        if full:
            self.entries = []
        self.size += len(leaves)

    def node(self, store: TileStore, height: int, index: int) -> bytes:
        """A complete subtree's hash: from memory at the edge, from the disk elsewhere."""
        level, number, offset, count = place(height, index)
        if level < len(self.tiles) and number == self.size // TILE_WIDTH ** (level + 1):
            return complete_root(self.tiles[level][offset : offset + count])
        return store.node(height, index)
