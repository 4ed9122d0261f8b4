# What memray sees of a window of iterations. In the place of the other tracers: a driver has these orders or those.

import time


class Memray:
    """Follows a window under memray: native blocks and Python's, each with the calls of both languages."""

    # Its file tells the time every 10 ms, by a thread of its own.
    REST, TOLD, PYMALLOC, PAGE = 0.05, 300, 512, 4096
    # Of kinds of allocators: those that map pages, and those of Python.
    MAPPED = ("MMAP",)
    PYTHON = "PYMALLOC_"

    def __init__(self, own_file, path, capture):
        # All of it before the window: what is imported within would be told as growth.
        import json

        import memray

        self.json, self.memray, self.path, self.capture = json, memray, path, capture
        self.places = Places(own_file)
        self.began = self.mid = self.tracker = None

    def begin(self, done):
        self.began = done
        gc.collect()
        self.tracker = self.memray.Tracker(self.capture, native_traces=True, trace_python_allocators=True)
        self.tracker.__enter__()

    def half(self, _):
        # Nothing is allocated between the two rests, so that any time there is between the halves.
        time.sleep(self.REST)
        self.mid = time.time() * 1000
        time.sleep(self.REST)

    def end(self, done):
        self.tracker.__exit__(None, None, None)
        with self.memray.FileReader(self.capture) as reader:
            sites, notes = self.told(reader)
        told = {
            "tracer": "memray %s" % self.memray.__version__,
            "from": self.began,
            "to": done,
            "sites": sites,
            "notes": notes,
        }
        with open(self.path, "w", encoding="utf-8", errors="backslashreplace") as file:
            self.json.dump(told, file)

    def told(self, reader):
        times = [snapshot.time for snapshot in reader.get_memory_snapshots()]
        middle = sum(one < self.mid for one in times)
        notes = []
        late = times[middle] - self.mid - 1000 * self.REST if middle < len(times) else 0
        if late > 0:
            notes.append("memray's clock stood still in the middle of the window, which is too late by up to %d ms" % late)
        grown = []
        for record in reader.get_temporal_allocation_records():
            size, blocks = self.halves(record, middle)
            if blocks != [0, 0]:
                grown.append((record, size, blocks))
        grown.sort(key=lambda one: (-min(one[1]), -sum(one[1])))
        sites = []
        for record, size, blocks in grown[: self.TOLD]:
            stack = self.stack(record)
            owners = {place["owner"] for place in stack}
            # What the driver does for itself is no growth of the case.
            if "driver" not in owners or owners & {"case", "package"}:
                sites.append({"bytes": size, "blocks": blocks, "stack": stack})
        rest = grown[self.TOLD :]
        if rest:
            size, blocks = ([sum(one[at][half] for one in rest) for half in (0, 1)] for at in (1, 2))
            sites.append({"bytes": size, "blocks": blocks, "stack": []})
        return sites, notes

    def halves(self, record, middle):
        """What the first half has left at its end, and what the second one adds to that."""
        kind = self.memray.AllocatorType(record.allocator).name
        size, blocks = [0, 0], [0, 0]
        for part in record.intervals:
            until = part.deallocated_before_snapshot
            early = part.allocated_before_snapshot <= middle
            taken = self.taken(kind, part.n_bytes / part.n_allocations) * part.n_allocations
            for half, is_there in ((0, early and (until is None or until > middle)), (1, until is None)):
                if is_there:
                    size[half] += taken
                    blocks[half] += part.n_allocations
        return [size[0], size[1] - size[0]], [blocks[0], blocks[1] - blocks[0]]

    def taken(self, kind, size):
        """What the allocator takes for so many bytes, in pages, a size class of pymalloc, or a chunk of malloc."""
        if kind in self.MAPPED:
            return -int(-size // self.PAGE) * self.PAGE
        if kind.startswith(self.PYTHON) and size <= self.PYMALLOC:
            return int(size + 15) & ~15
        return max(32, int(size + 23) & ~15)

    def stack(self, record):
        """The frames of both languages, the innermost first; what is native counts as the language's."""
        own = set(record.stack_trace())
        return [self.places.place(file, line) if (function, file, line) in own
                else {"file": "" if file == "<unknown>" else file, "line": line, "function": function,
                      "owner": "language"}
                for function, file, line in record.hybrid_stack_trace()]


def explain_orders(environ):
    """What is done at the orders of an explanation: begin, half, end."""
    explain = Memray(__file__, environ["MEMCASE_FINDINGS"], environ["MEMCASE_MEMRAY"])
    return {b"b": explain.begin, b"h": explain.half, b"e": explain.end}
