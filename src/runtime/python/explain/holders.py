# Who keeps objects alive. Part of the driver in a run that is explained.


class Holders:
    """Ways from a root to an object, with the names by which one refers to the next."""

    LONGEST = 14

    def __init__(self, places, allocations, survivors):
        import collections, contextvars

        self.deque, self.types, self.context = collections.deque, places.types, contextvars.copy_context
        self.places, self.allocations, self.survivors = places, allocations, survivors
        self.own_file = places.own_file

    def roots(self):
        """What a chain may begin at, in the order in which it is told: name and object."""
        modules = list(sys.modules.items())

        def rank(item):
            file = getattr(item[1], "__file__", None) or ""
            far = {"case": 0, "package": 1, "language": 2, "driver": 3}[self.places.owner(str(file))] if file else 2
            return 0 if item[0] == CASE.get("module", "__main__") else 1 + far

        # The names of a module come after the module, so that the shortest way is that by its name.
        for name, module in sorted(modules, key=rank):
            if module is not None and getattr(module, "__file__", None) != self.own_file:
                yield "module %s" % name, module
        for variable, value in self.context().items():
            yield "context variable %s" % variable.name, value
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
        hidden.update((id(sys.modules), id(self.survivors.mid), id(globals())))
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
                self.allocations.seen(value, chain["full"])
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
                # What this search made itself is no holder.
                if id(one) in self.survivors.known and id(one) not in seen and id(one) not in hidden
                and type(one) is not self.types.FrameType
            ]
            if not above:
                break
            seen.add(id(above[0]))
            way.append(above[0])
        way.reverse()
        return "native code, or what the collector does not see", way

    def alike(self, chain):
        """Chains are the same way where they differ in keys and numbers only."""
        steps = []
        for link in chain["links"]:
            by = link["by"]
            kind = "…" if link["kind"].startswith("… ") else link["kind"]
            steps.append(("[]" if by.startswith("[") else by, kind))
        return chain["root"], tuple(steps)

    def told_chain(self, root, way):
        links, linked, previous = [], [], None
        for at, value in enumerate(way):
            if at == 0 and root.startswith(("module", "frame")):
                previous = value
                continue
            # An object and the dictionary of its names are one step.
            if previous is not None and self.is_names(previous, value):
                continue
            by = self.edge(previous, value) if previous is not None else ""
            links.append(self.link(by, value))
            linked.append(value)
            previous = value
        # The last that was there before the window, of those that come one behind the other.
        old = [link.pop("old") for link in links]
        before = old.index(False) if False in old else len(old)
        holder = max(0, before - 1)
        told = {"root": root, "holder": holder, "links": links, "full": self.survivors.is_full(linked[holder])}
        # A list that is linked has as many steps as it has nodes.
        if len(links) > self.LONGEST:
            head, tail = links[: self.LONGEST - 4], links[-3:]
            more = {"by": "", "kind": "… %d more" % (len(links) - len(head) - len(tail)), "len": None, "place": None}
            told["links"] = head + [more] + tail
            told["holder"] = min(told["holder"], len(head) - 1)
        return told

    def link(self, by, value):
        frames, place = self.allocations.traceback(value), None
        if frames:
            mine = [frame for frame in frames if self.places.owner(frame[0]) in ("case", "package")]
            place = self.places.place(*(mine or frames)[0])
        elif issubclass(type(value), self.types.FunctionType):
            code = value.__code__
            place = {"file": code.co_filename, "line": code.co_firstlineno, "function": value.__qualname__,
                     "owner": self.places.owner(code.co_filename)}
        try:
            length = len(value) if type(value) in (str, bytes, bytearray) else size_of(value)
        except Exception:
            length = None
        return {"by": by, "kind": self.kind_of(value), "len": length, "place": place,
                "old": not self.survivors.is_since(value)}

    def kind_of(self, value):
        if issubclass(type(value), self.types.FunctionType):
            return "function %s" % value.__qualname__
        if issubclass(type(value), type):
            return "class %s" % Survivors.name(value)
        if issubclass(type(value), self.types.ModuleType):
            return "module %s" % value.__name__
        if issubclass(type(value), self.types.FrameType):
            return "frame of %s" % value.f_code.co_name
        wrapped = getattr(value, "__wrapped__", None) if type(value).__name__ == "_lru_cache_wrapper" else None
        if wrapped is not None:
            return "functools.lru_cache of %s" % getattr(wrapped, "__qualname__", "a function")
        return Survivors.name(type(value))

    def is_names(self, holder, value):
        if type(value) is not dict:
            return False
        if issubclass(type(holder), type):
            # The dictionary behind the proxy of a class.
            return any(value is one for one in gc.get_referents(type.__getattribute__(holder, "__dict__")))
        try:
            return object.__getattribute__(holder, "__dict__") is value
        except Exception:
            return False

    def edge(self, holder, value):
        """By what name the one refers to the other."""
        types, kind = self.types, type(holder)
        if kind in (list, tuple) or kind.__name__ == "deque":
            for at, one in enumerate(holder):
                if one is value:
                    return "[%d]" % at
        if issubclass(kind, dict):
            for key, one in list(dict.items(holder)):
                if one is value:
                    return "[%s]" % self.key(key)
                if key is value:
                    return "a key"
        if issubclass(kind, (set, frozenset)):
            return "an element"
        if kind is types.FunctionType:
            for cell, name in zip(holder.__closure__ or (), holder.__code__.co_freevars):
                if cell is value:
                    return ".%s (closure)" % name
            for name in ("__globals__", "__defaults__", "__kwdefaults__", "__code__"):
                if getattr(holder, name, None) is value:
                    return ".%s" % name
        if kind is types.FrameType:
            for name, one in list(holder.f_locals.items()):
                if one is value:
                    return "local %s" % name
        if kind in (types.GeneratorType, types.CoroutineType):
            frame = getattr(holder, "gi_frame", None) or getattr(holder, "cr_frame", None)
            for name, one in (frame.f_locals.items() if frame else ()):
                if one is value:
                    return "local %s" % name
        if kind.__name__ == "_lru_cache_wrapper":
            return "its cache"
        if kind is getattr(types, "CellType", None):
            return "its contents"
        try:
            get = type.__getattribute__ if issubclass(kind, type) else object.__getattribute__
            names = get(holder, "__dict__")
        except Exception:
            names = None
        if names is not None:
            for name, one in list(names.items()):
                if one is value:
                    return ".%s" % name
        for base in kind.__mro__:
            for name, member in list(vars(base).items()):
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
        return "a %s" % Survivors.name(type(key))
