# Hands an iteration over to `pdb`, and writes the stacks of all threads. Part of the driver in a run that is
# debugged only: that run is not measured.


def debugged(case, environ, orders):
    """Adds what is done at the orders of such a run, and returns what is put around `run`."""
    # All of it before the first iteration: what is imported within would be seen as growth.
    import bdb, os, pdb, signal, sys, threading, traceback

    try:
        import readline
    except ImportError:
        pass
    file = case["file"]
    hidden = {debugged.__code__.co_filename, bdb.__file__, pdb.__file__}
    handed = [False]

    class Debugger(pdb.Pdb):
        begun = left = False

        def stop_here(self, frame):
            """Not in what memcase and the event loop do around the code of the case."""
            name = frame.f_code.co_filename
            if name in hidden or (not self.begun and name != file):
                return False
            self.begun = True
            return super().stop_here(frame)

        def set_quit(self):
            self.left = True
            super().set_quit()

    def hand_over(run, iteration):
        sys.stdout.flush()
        sys.stderr.flush()
        streams, handler = (sys.stdin, sys.stdout, sys.stderr), signal.getsignal(signal.SIGINT)
        kept = [os.dup(number) for number in range(3)]
        terminal = os.open(environ["MEMCASE_TERMINAL"], os.O_RDWR | os.O_NOCTTY)
        for number in range(3):
            os.dup2(terminal, number)
        os.close(terminal)
        sys.stdin = open(0, closefd=False)
        sys.stdout = open(1, "w", 1, closefd=False)
        sys.stderr = open(2, "w", 1, closefd=False)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        debugger = Debugger()
        try:
            debugger.runcall(run, iteration)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            sys.stdin, sys.stdout, sys.stderr = streams
            signal.signal(signal.SIGINT, handler)
            for number, descriptor in enumerate(kept):
                os.dup2(descriptor, number)
                os.close(descriptor)
        if debugger.left:
            raise SystemExit(0)

    def around(run):
        def step(iteration):
            if not handed[0]:
                return run(iteration)
            handed[0] = False
            hand_over(run, iteration)

        return step

    def arm(_):
        handed[0] = True

    def stacks(_):
        names = {thread.ident: thread.name for thread in threading.enumerate()}
        with open(environ["MEMCASE_STACKS"], "w", encoding="utf-8", errors="backslashreplace") as out:
            for ident, frame in sys._current_frames().items():
                out.write("Thread %s (%s), oldest call first:\n" % (names.get(ident, "without a name"), ident))
                out.write("".join(traceback.format_stack(frame)) + "\n")

    orders.update({b"d": arm, b"s": stacks})
    return around
