# The orders of an explanation. Part of the driver in the second run of a case only: that run is not measured, so
# that it may import, allocate and walk the heap as it likes.


class Explain:
    """Follows a window of iterations, and writes what grew in it, and who keeps it, as JSON."""

    def __init__(self, own_file, path):
        # All of it before the window: what is imported within would be told as growth.
        import json

        self.json, self.path, self.began = json, path, 0
        self.places = Places(own_file)
        self.allocations = Allocations(self.places)
        self.survivors = Survivors(self.allocations)
        self.holders = Holders(self.places, self.allocations, self.survivors)
        self.made = Made()

    def begin(self, done):
        self.began = done
        gc.collect()
        self.survivors.begin()
        self.made.begin()
        self.allocations.start()

    def half(self, _):
        self.made.listening = False
        self.made.mid = self.made.alive()
        with self.allocations.unhooked:
            self.allocations.mid = self.allocations.snapshot()
            self.survivors.half()
        self.made.listening = True

    def end(self, done):
        self.made.listening = False
        self.made.end = self.made.alive()
        with self.allocations.unhooked:
            end = self.allocations.snapshot()
            kinds, groups = self.survivors.end()
            chains = self.holders.chains(groups)
        told = {
            "tracer": "tracemalloc",
            "from": self.began,
            "to": done,
            "sites": self.allocations.told(end),
            "kinds": self.survivors.told(kinds),
            "chains": chains,
            "made": self.made.told(self.places),
        }
        with open(self.path, "w", encoding="utf-8", errors="backslashreplace") as file:
            self.json.dump(told, file)


def explain_orders(environ):
    """What is done at the orders of an explanation: begin, half, end."""
    explain = Explain(__file__, environ["MEMCASE_FINDINGS"])
    return {b"b": explain.begin, b"h": explain.half, b"e": explain.end}
