# Where memory was allocated. Part of the driver in a run that is explained.


class Allocations:
    """`tracemalloc`, and what it says of call paths and of objects."""

    # A recursion of the standard library is deep, and whoever began it is sought.
    FRAMES, TOLD = 100, 300

    def __init__(self, places):
        import tracemalloc

        self.places, self.own_file, self.tracemalloc = places, places.own_file, tracemalloc
        # A snapshot is made by the one in the name of the other.
        self.own_files = places.own_file, tracemalloc.__file__
        self.raw = getattr(sys.modules.get("_tracemalloc"), "_get_object_traceback", None)
        self.unhooked = Unhooked()
        self.mid = None
        # Call paths of objects that were seen in a container which does not grow, and in what is none.
        self.replacing, self.growing = set(), set()

    def start(self):
        self.tracemalloc.start(self.FRAMES)
        # A case that traces for itself would end this.
        self.tracemalloc.stop = self.tracemalloc.clear_traces = lambda: None

    def seen(self, value, is_replacement):
        """Notes of an object that stayed whether it took another's place."""
        frames = self.traceback(value)
        if frames:
            (self.replacing if is_replacement else self.growing).add(frames)

    def snapshot(self):
        """Bytes and blocks by call path, the driver's own left out."""
        found = {}
        for trace in self.tracemalloc.take_snapshot().traces._traces:
            # The newest frame comes first here.
            frames = trace[2]
            held = found.get(frames)
            if held is None:
                held = found[frames] = [0, 0, self.is_of_case(frames)]
            held[0] += self.rounded(trace[1])
            held[1] += 1
        return {frames: held for frames, held in found.items() if held[2]}

    def is_of_case(self, frames):
        """Whether the case did it, or the driver for the case, rather than the driver for itself."""
        files = [file for file, _ in frames]
        if files and files[0] == self.own_file:
            return False
        return self.own_file not in files or any(self.places.owner(file) in ("case", "package") for file in files)

    @staticmethod
    def rounded(size):
        """What the allocator takes for so many bytes: a size class of pymalloc, or a chunk of malloc."""
        return (size + 15 if size <= 512 else size + 23) & ~15

    def told(self, end):
        mid = self.mid
        grown = []
        for frames in set(mid) | set(end):
            first, last = mid.get(frames, (0, 0)), end.get(frames, (0, 0))
            halves = (first[0], last[0] - first[0]), (first[1], last[1] - first[1])
            if last[0] > 0:
                grown.append((frames, halves))
        # What goes on in both halves comes first.
        grown.sort(key=lambda site: (-min(site[1][0]), -sum(site[1][0])))
        told = []
        for frames, (size, blocks) in grown[: self.TOLD]:
            stack = [self.places.place(file, line) for file, line in frames]
            replaces = frames in self.replacing and frames not in self.growing
            told.append({"bytes": size, "blocks": blocks, "stack": stack, "replaces": replaces})
        rest = [site[1] for site in grown[self.TOLD :]]
        if rest:
            size = [sum(one[0][half] for one in rest) for half in (0, 1)]
            blocks = [sum(one[1][half] for one in rest) for half in (0, 1)]
            told.append({"bytes": size, "blocks": blocks, "stack": []})
        return told

    def allocated(self, value):
        """Where an object was allocated, the newest frame first; None before the window."""
        if self.raw is not None:
            return self.raw(value)
        found = self.tracemalloc.get_object_traceback(value)
        return found and tuple((frame.filename, frame.lineno) for frame in reversed(found))

    def traceback(self, value):
        """The same, and None for what is the driver's."""
        frames = self.allocated(value)
        return frames if frames and frames[0][0] not in self.own_files else None


class Unhooked:
    """Takes tracemalloc's hooks off the allocators for a while (`PyMem_SetAllocator`).

    What a walk of the heap allocates would else be traced too, which takes several times as long as the walk itself.
    Other threads of the case have no turn meanwhile.
    """

    # `PYMEM_DOMAIN_MEM` and `PYMEM_DOMAIN_OBJ`; that of `PyMem_RawMalloc` is used without the lock of the interpreter.
    DOMAINS = (1, 2)

    def __init__(self):
        """Is to be made before tracing begins."""
        try:
            import ctypes

            self.get, self.set = ctypes.pythonapi.PyMem_GetAllocator, ctypes.pythonapi.PyMem_SetAllocator
        except (ImportError, AttributeError):
            # Without them the walk is slow, and right.
            self.bare = None
            return
        fields = [(name, ctypes.c_void_p) for name in ("ctx", "malloc", "calloc", "realloc", "free")]
        self.allocator = type("Allocator", (ctypes.Structure,), {"_fields_": fields})
        self.ref = ctypes.byref
        self.bare = self.current()

    def current(self):
        found = [self.allocator() for _ in self.DOMAINS]
        for domain, allocator in zip(self.DOMAINS, found):
            self.get(domain, self.ref(allocator))
        return found

    def use(self, allocators):
        for domain, allocator in zip(self.DOMAINS, allocators):
            self.set(domain, self.ref(allocator))

    def __enter__(self):
        self.interval, self.collects = sys.getswitchinterval(), gc.isenabled()
        sys.setswitchinterval(3600)
        # What the language keeps for reuse is traced, and is so again at each use.
        gc.collect()
        gc.disable()
        if self.bare is not None:
            self.hooked = self.current()
            self.use(self.bare)

    def __exit__(self, *_):
        # What is kept for reuse now is untraced, and would be so for what the case makes of it.
        gc.collect()
        if self.bare is not None:
            self.use(self.hooked)
        if self.collects:
            gc.enable()
        sys.setswitchinterval(self.interval)
