# What a case opens and starts that is no memory. Part of the driver in a run that is explained.


class Made:
    """Counts, by call path, what is opened and started; whether it is closed again is not seen here."""

    FRAMES = 25
    KINDS = {
        "open": "descriptor", "socket.__new__": "descriptor", "os.fork": "process", "os.forkpty": "process",
        "os.posix_spawn": "process", "subprocess.Popen": "process", "_thread.start_new_thread": "thread",
        "_thread.start_joinable_thread": "thread",
    }

    def __init__(self):
        self.counts, self.mid, self.end = {}, {}, {}
        self.listening = False
        if hasattr(sys, "addaudithook"):
            sys.addaudithook(self.audit)

    def audit(self, event, _):
        if not self.listening or event not in self.KINDS:
            return
        frames, frame = [], sys._getframe(1)
        while frame is not None and len(frames) < self.FRAMES:
            frames.append((frame.f_code.co_filename, frame.f_lineno))
            frame = frame.f_back
        key = self.KINDS[event], tuple(frames)
        self.counts[key] = self.counts.get(key, 0) + 1

    # It is asked for at every event (`id` is one), and what is not there would cost an exception each time.
    audit.__cantrace__ = False

    def told(self, places):
        told = []
        for key, count in self.end.items():
            kind, frames = key
            first = self.mid.get(key, 0)
            stack = [places.place(file, line) for file, line in frames]
            told.append({"kind": kind, "count": (first, count - first), "stack": stack})
        return told
