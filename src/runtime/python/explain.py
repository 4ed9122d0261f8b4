# Finds what keeps growing, and who keeps it. Part of the driver in the second run of a case only: that run is
# not measured, so that this may import, allocate and walk the heap as it likes.

import gc
import sys


class Explain:
    """Follows a window of iterations by `tracemalloc` and `gc`, and writes its findings as JSON."""

    FRAMES, SITES, KINDS, SAMPLES, LONGEST = 25, 300, 40, 12, 14
    # `Py_TPFLAGS_HEAPTYPE`.
    OF_CLASS = 1 << 9
    CONTAINERS = (list, tuple, dict, set, frozenset)

    def __init__(self, own_file, path):
        # All of it before the window: what is imported within would be told as growth.
        import ast, collections, dis, json, sysconfig, tracemalloc, types

        self.ast, self.deque, self.dis, self.json = ast, collections.deque, dis, json
        self.tracemalloc, self.types = tracemalloc, types
        self.raw = getattr(sys.modules.get("_tracemalloc"), "_get_object_traceback", None)
        self.own_file, self.path = own_file, path
        self.sources, self.owners = {}, {}
        places = sysconfig.get_paths()
        self.language = tuple({places[name].rstrip("/") + "/" for name in ("stdlib", "platstdlib")})
        self.packages = tuple({places[name].rstrip("/") + "/" for name in ("purelib", "platlib")})
        self.began = 0
        self.freezes = hasattr(gc, "freeze")
        self.mid = self.mid_kinds = None
        self.mid_ids, self.new_ids = set(), set()
        self.events, self.events_at = {}, []
        self.listening = False
        if hasattr(sys, "addaudithook"):
            sys.addaudithook(self.audit)

    # The three orders ------------------------------------------------------------------------------

    def begin(self, done):
        self.began = done
        gc.collect()
        # What the collector knows from here on is new, until it is asked for what it set aside.
        if self.freezes:
            gc.freeze()
        self.listening = True
        self.tracemalloc.start(self.FRAMES)

    def half(self, _):
        self.listening = False
        self.events_at.append(dict(self.events))
        self.mid = self.sites()
        self.mid_kinds, _ = self.kinds(self.mid_ids, None)
        self.listening = True

    def end(self, done):
        self.listening = False
        self.events_at.append(dict(self.events))
        end = self.sites()
        kinds, samples = self.kinds(None, self.mid_ids)
        if self.freezes:
            gc.unfreeze()
        chains = self.chains(self.chosen(kinds, samples))
        self.tracemalloc.stop()
        sites = self.told_sites(end)
        told = {
            "tracer": "tracemalloc",
            "from": self.began,
            "to": done,
            "sites": sites,
            "kinds": self.told_kinds(kinds),
            "chains": chains,
            "made": self.told_events(),
        }
        with open(self.path, "w", encoding="utf-8", errors="backslashreplace") as file:
            self.json.dump(told, file)

    # What is opened and started ---------------------------------------------------------------------

    MADE = {
        "open": "descriptor", "socket.__new__": "descriptor", "os.fork": "process", "os.forkpty": "process",
        "os.posix_spawn": "process", "subprocess.Popen": "process", "_thread.start_new_thread": "thread",
        "_thread.start_joinable_thread": "thread",
    }

    def audit(self, event, _):
        """Counts by call path what is opened and started; whether it is closed again is not seen here."""
        if not self.listening or event not in self.MADE:
            return
        frames, frame = [], sys._getframe(1)
        while frame is not None and len(frames) < self.FRAMES:
            frames.append((frame.f_code.co_filename, frame.f_lineno))
            frame = frame.f_back
        key = self.MADE[event], tuple(frames)
        self.events[key] = self.events.get(key, 0) + 1

    def told_events(self):
        told, (mid, end) = [], self.events_at
        for key, count in end.items():
            kind, frames = key
            first = mid.get(key, 0)
            stack = [self.place(file, line) for file, line in frames]
            told.append({"kind": kind, "count": (first, count - first), "stack": stack})
        return told

    # Where memory was allocated --------------------------------------------------------------------

    def sites(self):
        """Bytes and blocks by call path, the driver's own left out."""
        gc.collect()
        found = {}
        for trace in self.tracemalloc.take_snapshot().traces._traces:
            size, frames = self.rounded(trace[1]), trace[2]
            # The newest frame comes first here.
            if frames and (frames[0][0] == self.own_file or not self.is_of_case(frames)):
                continue
            held = found.get(frames)
            if held is None:
                found[frames] = [size, 1]
            else:
                held[0] += size
                held[1] += 1
        return found

    def is_of_case(self, frames):
        """Whether the driver did it for the case, rather than for itself."""
        files = [file for file, _ in frames]
        return self.own_file not in files or any(self.owner(file) in ("case", "package") for file in files)

    @staticmethod
    def rounded(size):
        """What the allocator takes for so many bytes: a size class of pymalloc, or a chunk of malloc."""
        return (size + 15 if size <= 512 else size + 23) & ~15

    def told_sites(self, end):
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
        for frames, (size, blocks) in grown[: self.SITES]:
            stack = [self.place(file, line) for file, line in frames]
            told.append({"bytes": size, "blocks": blocks, "stack": stack})
        rest = [site[1] for site in grown[self.SITES :]]
        if rest:
            size = [sum(one[0][half] for one in rest) for half in (0, 1)]
            blocks = [sum(one[1][half] for one in rest) for half in (0, 1)]
            told.append({"bytes": size, "blocks": blocks, "stack": []})
        return told

    def owner(self, file):
        known = self.owners.get(file)
        if known is None:
            known = self.owners[file] = self.owner_of(file)
        return known

    def owner_of(self, file):
        if file == self.own_file:
            return "driver"
        if file.startswith("<frozen"):
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

    # What lives ------------------------------------------------------------------------------------

    def allocated(self, value):
        """Where an object was allocated, the newest frame first; None before the window."""
        if self.raw is not None:
            return self.raw(value)
        found = self.tracemalloc.get_object_traceback(value)
        return found and [(frame.filename, frame.lineno) for frame in reversed(found)]

    def traceback(self, value):
        """The same, and None for what is the driver's."""
        frames = self.allocated(value)
        return frames if frames and frames[0][0] != self.own_file else None

    def is_new(self, value):
        """Whether it was made within the window, by other code than this."""
        frames = self.allocated(value)
        if frames:
            return frames[0][0] != self.own_file
        # Where instances of classes begin is not always known to tracemalloc; the collector knows them.
        of_class = type(value).__flags__ & self.OF_CLASS
        return bool(of_class) and gc.is_tracked(value) and id(value) in self.new_ids

    def survivors(self):
        """All objects that were made in the window: those that the collector knows, and what only they hold."""
        if self.freezes:
            self.new_ids.update(map(id, gc.get_objects()))
            gc.unfreeze()
        tracked, traceback = gc.get_objects(), self.traceback
        if self.freezes:
            gc.freeze()
        skipped = {id(tracked), id(self.__dict__)}
        seen = set()
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
                if traceback(value) is not None:
                    seen.add(id(value))
                    yield value
                if type(value) in self.CONTAINERS:
                    seen.add(id(value))
                    below.extend(gc.get_referents(value))

    def kinds(self, ids, older):
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

    def example(self, value):
        """What it looks like, without running any code of its own."""
        kind = type(value)
        if kind in (int, float, bool, complex):
            return "%r" % (value,)
        if kind in (str, bytes, bytearray):
            shown = repr(value[:40])
            return shown if len(shown) <= 42 else shown[:40] + "…"
        if kind in self.CONTAINERS:
            return "%d elements" % len(value)
        return ""

    def name(self, kind):
        module = getattr(kind, "__module__", None)
        name = getattr(kind, "__qualname__", kind.__name__)
        return name if module in ("builtins", None) else "%s.%s" % (module, name)

    def growth(self, kinds, kind, at):
        first = self.mid_kinds.get(kind, (0, 0))[at]
        return first, kinds[kind][at] - first

    def told_kinds(self, kinds):
        order = sorted(kinds, key=lambda kind: (-min(self.growth(kinds, kind, 1)), -kinds[kind][1]))
        told = []
        for kind in order[: self.KINDS]:
            count, size = self.growth(kinds, kind, 0), self.growth(kinds, kind, 1)
            if sum(count) > 0:
                _, _, largest, example = kinds[kind]
                told.append({"name": self.name(kind), "count": count, "bytes": size, "largest": largest,
                             "example": example})
        return told

    # Who keeps it ----------------------------------------------------------------------------------

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

    def roots(self):
        """What a chain may begin at, in the order in which it is told: name and object."""
        modules = list(sys.modules.items())

        def rank(item):
            file = getattr(item[1], "__file__", None) or ""
            far = {"case": 0, "package": 1, "language": 2, "driver": 3}[self.owner(str(file))] if file else 2
            return 0 if item[0] == CASE.get("module", "__main__") else 1 + far

        # The names of a module come after the module, so that the shortest way is that by its name.
        for name, module in sorted(modules, key=rank):
            if module is not None and getattr(module, "__file__", None) != self.own_file:
                yield "module %s" % name, module
        for thread, frame in sys._current_frames().items():
            while frame is not None:
                if frame.f_code.co_filename != self.own_file:
                    yield "frame of %s" % frame.f_code.co_name, frame
                frame = frame.f_back

    def chains(self, groups):
        wanted = {id(value) for group in groups for value in group}
        if not wanted:
            return []
        parents, kept, names, queue = {}, [], {}, self.deque()
        # The structures of this search refer to all that they find, and are no holders.
        hidden = {id(groups), id(parents), id(kept), id(names), id(queue), id(self), id(self.__dict__), id(wanted)}
        hidden.update(id(group) for group in groups)
        hidden.add(id(sys.modules))
        own = sys._getframe()
        while own is not None:
            hidden.add(id(own))
            own = own.f_back
        atoms = (str, bytes, int, float, bool, type(None), complex, bytearray)
        for name, root in self.roots():
            if id(root) not in parents and id(root) not in hidden:
                parents[id(root)] = None
                names[id(root)] = name
                kept.append(root)
                queue.append(root)
        left = set(wanted)
        while queue and left:
            value = queue.popleft()
            for child in gc.get_referents(value):
                at = id(child)
                if at in parents or at in hidden:
                    continue
                if type(child) in atoms and at not in wanted:
                    continue
                parents[at] = value
                left.discard(at)
                kept.append(child)
                queue.append(child)
        told = []
        for group in groups:
            found = {}
            for value in group:
                if id(value) in parents:
                    way = [value]
                    while parents[id(way[-1])] is not None and len(way) < 100_000:
                        way.append(parents[id(way[-1])])
                    way.reverse()
                    root = names.get(id(way[0]), "")
                else:
                    root, way = self.climb(value, hidden)
                chain = self.told_chain(root, way)
                key = self.alike(chain)
                if key in found:
                    found[key]["held"] += 1
                else:
                    chain.update(held=1, sampled=len(group))
                    found[key] = chain
            told.extend(sorted(found.values(), key=lambda chain: -chain["held"])[:3])
        return told

    def climb(self, value, hidden):
        """From an object that no root leads to, up to what holds it and is held by nothing the collector sees."""
        way, seen = [value], {id(value)}
        while len(way) < 40:
            above = [
                one for one in gc.get_referrers(way[-1])
                if id(one) not in seen and id(one) not in hidden and type(one) is not self.types.FrameType
                and one is not way
                # What this search made itself is no holder.
                and not self.is_of_driver(one)
            ]
            if not above:
                break
            seen.add(id(above[0]))
            way.append(above[0])
        way.reverse()
        return "native code, or what the collector does not see", way

    def is_of_driver(self, value):
        frames = self.allocated(value)
        return bool(frames) and frames[0][0] == self.own_file

    def alike(self, chain):
        """Chains are the same way where they differ in keys and numbers only."""
        steps = []
        for link in chain["links"]:
            by = link["by"]
            steps.append(("[]" if by.startswith("[") else by, link["kind"]))
        return chain["root"], tuple(steps)

    def told_chain(self, root, way):
        links, previous = [], None
        for at, value in enumerate(way):
            if at == 0 and root.startswith(("module", "frame")):
                previous = value
                continue
            # An object and the dictionary of its names are one step.
            if previous is not None and self.is_names(previous, value):
                continue
            by = self.edge(previous, value) if previous is not None else ""
            links.append(self.link(by, value))
            previous = value
        # The last that was there before the window, of those that come one behind the other.
        old = [link.pop("old") for link in links]
        before = old.index(False) if False in old else len(old)
        told = {"root": root, "holder": max(0, before - 1), "links": links}
        # A list that is linked has as many steps as it has nodes.
        if len(links) > self.LONGEST:
            head, tail = links[: self.LONGEST - 4], links[-3:]
            more = {"by": "", "kind": "… %d more" % (len(links) - len(head) - len(tail)), "len": None, "place": None}
            told["links"] = head + [more] + tail
            told["holder"] = min(told["holder"], len(head) - 1)
        return told

    def link(self, by, value):
        frames, place = self.traceback(value), None
        if frames:
            mine = [frame for frame in frames if self.owner(frame[0]) in ("case", "package")]
            place = self.place(*(mine or frames)[0])
        elif isinstance(value, self.types.FunctionType):
            code = value.__code__
            place = {"file": code.co_filename, "line": code.co_firstlineno, "function": value.__qualname__,
                     "owner": self.owner(code.co_filename)}
        try:
            length = len(value) if type(value) in self.CONTAINERS or type(value).__name__ in (
                "deque", "OrderedDict", "defaultdict", "Counter", "WeakValueDictionary", "str", "bytes", "bytearray"
            ) else None
        except Exception:
            length = None
        return {"by": by, "kind": self.kind_of(value), "len": length, "place": place,
                "old": not self.is_new(value)}

    def kind_of(self, value):
        if isinstance(value, self.types.FunctionType):
            return "function %s" % value.__qualname__
        if isinstance(value, type):
            return "class %s" % self.name(value)
        if isinstance(value, self.types.ModuleType):
            return "module %s" % value.__name__
        if isinstance(value, self.types.FrameType):
            return "frame of %s" % value.f_code.co_name
        wrapped = getattr(value, "__wrapped__", None) if type(value).__name__ == "_lru_cache_wrapper" else None
        if wrapped is not None:
            return "functools.lru_cache of %s" % getattr(wrapped, "__qualname__", "a function")
        return self.name(type(value))

    def is_names(self, holder, value):
        if type(value) is not dict:
            return False
        if isinstance(holder, type):
            # The dictionary behind the proxy of a class.
            return any(value is one for one in gc.get_referents(type.__getattribute__(holder, "__dict__")))
        try:
            return object.__getattribute__(holder, "__dict__") is value
        except Exception:
            return False

    def edge(self, holder, value):
        """By what name the one refers to the other."""
        types = self.types
        if type(holder) in (list, tuple) or type(holder).__name__ == "deque":
            for at, one in enumerate(holder):
                if one is value:
                    return "[%d]" % at
        if isinstance(holder, dict):
            for key, one in list(dict.items(holder)):
                if one is value:
                    return "[%s]" % self.key(key)
                if key is value:
                    return "a key"
        if isinstance(holder, (set, frozenset)):
            return "an element"
        if isinstance(holder, types.FunctionType):
            for cell, name in zip(holder.__closure__ or (), holder.__code__.co_freevars):
                if cell is value:
                    return ".%s (closure)" % name
            for name in ("__globals__", "__defaults__", "__kwdefaults__", "__code__"):
                if getattr(holder, name, None) is value:
                    return ".%s" % name
        if isinstance(holder, types.FrameType):
            for name, one in list(holder.f_locals.items()):
                if one is value:
                    return "local %s" % name
        if isinstance(holder, (types.GeneratorType, types.CoroutineType)):
            frame = getattr(holder, "gi_frame", None) or getattr(holder, "cr_frame", None)
            for name, one in (frame.f_locals.items() if frame else ()):
                if one is value:
                    return "local %s" % name
        if type(holder).__name__ == "_lru_cache_wrapper":
            return "its cache"
        if isinstance(holder, types.CellType if hasattr(types, "CellType") else ()):
            return "its contents"
        try:
            get = type.__getattribute__ if isinstance(holder, type) else object.__getattribute__
            names = get(holder, "__dict__")
        except Exception:
            names = None
        if names is not None:
            for name, one in list(names.items()):
                if one is value:
                    return ".%s" % name
        for kind in type(holder).__mro__:
            for name, member in list(vars(kind).items()):
                if type(member) in (types.MemberDescriptorType, types.GetSetDescriptorType):
                    if type(member) is types.GetSetDescriptorType and name.startswith("__dict"):
                        continue
                    try:
                        if member.__get__(holder) is value:
                            return ".%s" % name
                    except Exception:
                        continue
        return "a reference"

    def key(self, key):
        if type(key) in (str, bytes, int, float, bool, type(None)):
            shown = repr(key)
            return shown if len(shown) <= 40 else shown[:39] + "…"
        return "a %s" % self.name(type(key))


def explain_orders(environ):
    """What is done at the orders of an explanation: begin, half, end."""
    explain = Explain(__file__, environ["MEMCASE_FINDINGS"])
    return {b"b": explain.begin, b"h": explain.half, b"e": explain.end}
