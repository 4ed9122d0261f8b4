# Which objects live that did not live before. Part of the driver in a run that is explained.

CONTAINERS = (list, tuple, dict, set, frozenset)
SIZED = ("deque", "OrderedDict", "defaultdict", "Counter", "WeakValueDictionary")


def size_of(value):
    """How many elements a container has, or the cache of a function; None for what is neither."""
    kind = type(value)
    if kind.__name__ == "_lru_cache_wrapper":
        return value.cache_info().currsize
    if kind in CONTAINERS or kind.__name__ in SIZED and kind.__module__ in ("collections", "weakref"):
        return len(value)
    return None


class Survivors:
    """Objects that were made within the window, by type."""

    TYPES, SAMPLES = 40, 12
    # `Py_TPFLAGS_HEAPTYPE`.
    OF_CLASS = 1 << 9

    def __init__(self, allocations):
        self.allocations = allocations
        self.freezes = hasattr(gc, "freeze")
        self.mid, self.mid_ids, self.new_ids = None, set(), set()
        # What was there when the walk began: what the walk makes itself is not told apart by where it was made.
        self.known = set()
        self.mid_sizes = None

    def begin(self):
        # What the collector knows from here on is new, until it is asked for what it set aside.
        if self.freezes:
            gc.freeze()

    def half(self):
        self.mid, _ = self.count(self.mid_ids, None)

    def is_full(self, value):
        """Whether a container has as many elements as in the middle of the window: what comes takes another's place."""
        before = self.mid_sizes.get(id(value))
        return before is not None and size_of(value) == before

    def end(self):
        """What lives by type, and some objects of each of the types that grow most."""
        found, samples = self.count(None, self.mid_ids)
        if self.freezes:
            gc.unfreeze()
        return found, self.chosen(found, samples)

    def is_new(self, value):
        """Whether it was made within the window, by other code than this."""
        frames = self.allocations.allocated(value)
        if frames:
            return frames[0][0] not in self.allocations.own_files
        # Where instances of classes begin is not always known to tracemalloc; the collector knows them.
        return bool(type(value).__flags__ & self.OF_CLASS) and self.is_collected(value)

    def is_collected(self, value):
        """Whether the collector knows it since the window began."""
        return gc.is_tracked(value) and id(value) in self.new_ids

    def is_since(self, value):
        """The same of an object on a way: what the language kept for reuse is not traced when it is used again."""
        return self.is_new(value) or self.is_collected(value)

    def survivors(self):
        """All objects that were made in the window: those that the collector knows, and what only they hold."""
        if self.freezes:
            self.new_ids.update(map(id, gc.get_objects()))
            gc.unfreeze()
        tracked = gc.get_objects()
        if self.freezes:
            gc.freeze()
        self.known = set(map(id, tracked))
        if self.mid_sizes is None:
            # The first walk is that in the middle of the window.
            self.mid_sizes = {id(value): size_of(value) for value in tracked}
        seen = set()
        # The structures of this search are no part of what is sought.
        own = tracked, seen, self.__dict__, self.known, self.mid_sizes, self.mid_ids, self.new_ids
        skipped = set(map(id, own))
        for known in tracked:
            if id(known) in skipped:
                continue
            if self.is_new(known):
                yield known
            below = gc.get_referents(known)
            while below:
                value = below.pop()
                if gc.is_tracked(value) or id(value) in seen:
                    continue
                if self.allocations.traceback(value) is not None:
                    seen.add(id(value))
                    yield value
                if type(value) in CONTAINERS:
                    seen.add(id(value))
                    below.extend(gc.get_referents(value))

    def count(self, ids, older):
        """Objects and bytes by type. Fills `ids` where they are given; else keeps objects that are in `older`."""
        found, samples = {}, {}
        for value in self.survivors():
            kind = type(value)
            try:
                size = sys.getsizeof(value)
            except Exception:
                size = 0
            held = found.get(kind)
            if held is None:
                held = found[kind] = [0, 0, 0, ""]
            held[0] += 1
            held[1] += size
            if size > held[2]:
                held[2], held[3] = size, self.example(value)
            if ids is not None:
                ids.add(id(value))
            elif id(value) in older:
                samples.setdefault(kind, []).append(value)
        return found, samples

    @staticmethod
    def example(value):
        """What it looks like, without running any code of its own."""
        kind = type(value)
        if kind in (int, float, bool, complex):
            return "%r" % (value,)
        if kind in (str, bytes, bytearray):
            shown = repr(value[:40])
            return shown if len(shown) <= 42 else shown[:40] + "…"
        if kind in CONTAINERS:
            return "%d elements" % len(value)
        return ""

    @staticmethod
    def name(kind):
        module = getattr(kind, "__module__", None)
        name = getattr(kind, "__qualname__", kind.__name__)
        return name if module in ("builtins", None) else "%s.%s" % (module, name)

    def growth(self, kinds, kind, at):
        first = self.mid.get(kind, (0, 0))[at]
        return first, kinds[kind][at] - first

    def told(self, kinds):
        order = sorted(kinds, key=lambda kind: (-min(self.growth(kinds, kind, 1)), -kinds[kind][1]))
        told = []
        for kind in order[: self.TYPES]:
            count, size = self.growth(kinds, kind, 0), self.growth(kinds, kind, 1)
            if sum(count) > 0:
                _, _, largest, example = kinds[kind]
                name = "type" if issubclass(kind, type) else self.name(kind)
                told.append({"name": name, "count": count, "bytes": size, "largest": largest,
                             "example": example})
        return told

    def chosen(self, kinds, samples):
        """Objects of the types that grow most, that survived the whole second half."""
        def weight(kind):
            return min(self.growth(kinds, kind, 1))

        groups = []
        for kind in sorted(samples, key=weight, reverse=True)[:6]:
            # A weak reference keeps nothing, and who keeps the reference is not who is sought.
            if weight(kind) > 0 and kind.__name__ != "ReferenceType":
                of = samples[kind]
                step = max(1, len(of) // self.SAMPLES)
                groups.append(of[::step][: self.SAMPLES])
        return groups
