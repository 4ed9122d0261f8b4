# What a case opens and starts that is no memory. Part of the driver in a run that is explained.


class Made:
    """Call paths that open descriptors and start threads which are still there, and that start processes."""

    FRAMES = 25
    KINDS = {
        "open": "descriptor", "socket.__new__": "descriptor", "os.fork": "process", "os.forkpty": "process",
        "os.posix_spawn": "process", "subprocess.Popen": "process",
    }
    # They make descriptors, and no event of it; nor is there one of threads in all versions.
    SILENT = ("dup", "pipe", "pipe2", "memfd_create", "eventfd", "openpty")

    def __init__(self):
        import _thread, os, threading

        self.os = os
        self.listening = False
        # Call paths by the number of a descriptor and of a thread, which are used again.
        self.begun, self.opened, self.started, self.counts = set(), {}, {}, {}
        self.mid = self.end = None
        self.dup = os.dup
        for name in self.SILENT:
            if hasattr(os, name):
                setattr(os, name, self.remembering(getattr(os, name), self.open))
        start = self.remembering(threading.Thread.start, self.start)
        threading.Thread.start = start
        _thread.start_new_thread = self.remembering(_thread.start_new_thread, self.start)
        if hasattr(sys, "addaudithook"):
            sys.addaudithook(self.audit)

    def begin(self):
        self.begun = self.descriptors()
        self.listening = True

    def remembering(self, function, remember):
        def call(*args, **more):
            made = function(*args, **more)
            if self.listening:
                remember(self.frames(sys._getframe(1)), made, args)
            return made
        return call

    def open(self, frames, made, _):
        for number in made if isinstance(made, tuple) else (made,):
            self.opened[number] = ("descriptor", frames), None

    def start(self, frames, made, args):
        ident = args[0].ident if made is None else made
        self.started[ident] = "thread", frames

    def audit(self, event, args):
        if not self.listening or event not in self.KINDS:
            return
        key = self.KINDS[event], self.frames(sys._getframe(1))
        if key[0] == "descriptor":
            self.expect(key, "socket:" if event == "socket.__new__" else args[0])
        else:
            self.counts[key] = self.counts.get(key, 0) + 1

    # It is asked for at every event (`id` is one), and what is not there would cost an exception each time.
    audit.__cantrace__ = False

    def frames(self, frame):
        frames = []
        while frame is not None and len(frames) < self.FRAMES:
            frames.append((frame.f_code.co_filename, frame.f_lineno))
            frame = frame.f_back
        return tuple(frames)

    def expect(self, key, what):
        """What is opened next has the lowest number that is free."""
        try:
            number = self.dup(0)
        except OSError:
            return
        self.os.close(number)
        self.opened[number] = key, self.copied(what)

    def copied(self, what):
        """The name of what is opened, in a copy: the case's own object would live for longer by it."""
        if what is None or isinstance(what, int):
            return None
        what = self.os.fspath(what)
        return what.encode("utf-8", "surrogateescape") if isinstance(what, str) else bytes(bytearray(what))

    def descriptors(self):
        """Those that are open, but for the one that this takes."""
        found = set()
        for name in self.os.listdir("/proc/self/fd"):
            try:
                self.os.fstat(int(name))
            except OSError:
                continue
            found.add(int(name))
        return found

    def alive(self):
        """So many of each call path: of what is still open or runs; of processes, of those that were started."""
        counts = dict(self.counts)
        for number in self.descriptors() - self.begun:
            key, what = self.opened.get(number, (("descriptor", ()), None))
            if not self.may_be(number, what):
                key = "descriptor", ()
            counts[key] = counts.get(key, 0) + 1
        for ident in sys._current_frames():
            if ident in self.started:
                key = self.started[ident]
                counts[key] = counts.get(key, 0) + 1
        return counts

    def may_be(self, number, what):
        """Whether a descriptor may be what was opened under its number; it may have been closed since, and used again."""
        if what is None:
            return True
        name = self.os.readlink("/proc/self/fd/%d" % number)
        if what == b"socket:":
            return name.startswith("socket:")
        what = what.decode("utf-8", "surrogateescape")
        # Of a file that was removed since.
        name = name[: -len(" (deleted)")] if name.endswith(" (deleted)") else name
        return self.os.path.realpath(what) == name or self.os.path.basename(what) == self.os.path.basename(name)

    def told(self, places):
        told = []
        for key, count in self.end.items():
            kind, frames = key
            first = self.mid.get(key, 0)
            stack = [places.place(file, line) for file, line in frames]
            told.append({"kind": kind, "count": (first, count - first), "stack": stack})
        return told
