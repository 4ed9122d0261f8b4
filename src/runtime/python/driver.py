# Loops the `run` part of a case in lock-step with memcase (docs/protocol.md).
#
# The loop keeps nothing: no list, no counter that changes its size, no text. What it
# makes in a turn is freed in that turn, so that the growth seen is the snippet's own.

import gc
import os
import struct
import sys
import types
from itertools import repeat

ONLY_AST, TOP_LEVEL_AWAIT = 0x400, 0x2000
COROUTINE, GENERATOR, VARIABLE_ARGUMENTS = 0x80, 0x20 | 0x200, 0x04
COLLECTS, FULL, TRIMS, COLLECTOR_OFF = 1, 32, 64, 128
# Integers up to 256 are shared and larger ones are not: counting from here on keeps the
# number of objects the same from the first turn to the last.
COUNT_FROM = 1 << 30
# Orders of a run that is not measured but explained or debugged.
ORDERS = {}


class Loop:
    """The event loop, made when the first coroutine asks for it and then kept."""

    def __init__(self):
        self.loop = None

    def wait(self, awaitable):
        if self.loop is None:
            import asyncio

            self.loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self.loop)
        return self.loop.run_until_complete(awaitable)


def nodes(tree):
    """All nodes of a syntax tree (the `ast` module would cost its import)."""
    stack = [tree]
    while stack:
        node = stack.pop()
        yield node
        for name in node._fields:
            value = getattr(node, name, None)
            for child in value if isinstance(value, list) else (value,):
                if hasattr(child, "_fields"):
                    stack.append(child)


def parse(code, file):
    """The tree of a piece of the case file, with the case file's lines and columns."""
    text, line, indent = code
    try:
        tree = compile("\n" * (line - 1) + text, file, "exec", ONLY_AST)
    except SyntaxError as error:
        # The line that is shown may have been read from the case file itself.
        lines = text.split("\n")
        at = (error.lineno or 0) - line
        if indent and error.offset and 0 <= at < len(lines):
            if error.text and error.text.rstrip() == " " * indent + lines[at].rstrip():
                error.offset += indent
                if getattr(error, "end_offset", None):
                    error.end_offset += indent
        raise
    if indent:
        for node in nodes(tree):
            if hasattr(node, "col_offset"):
                node.col_offset += indent
                if getattr(node, "end_col_offset", None) is not None:
                    node.end_col_offset += indent
    return tree


def at_module_level(tree, file, names, loop):
    """Runs a tree in a namespace, awaiting it where it awaits."""
    code = compile(tree, file, "exec", TOP_LEVEL_AWAIT, dont_inherit=True)
    if code.co_flags & COROUTINE:
        loop.wait(types.FunctionType(code, names)())
    else:
        exec(code, names)


def wrap(tree, shared, head):
    """The tree as the body of `run(iteration)`; `shared` names are the module's."""
    frame = compile(head + " run(iteration): pass", "", "exec", ONLY_AST)
    function = frame.body[0]
    function.body = list(tree.body) or function.body
    if shared:
        first = function.body[0]
        place = {"lineno": first.lineno, "col_offset": first.col_offset}
        place.update(end_lineno=first.lineno, end_col_offset=first.col_offset)
        make = type(compile("global x", "", "exec", ONLY_AST).body[0])
        function.body.insert(0, make(names=sorted(shared), **place))
    return frame


def inner_code(code):
    return next(each for each in code.co_consts if isinstance(each, types.CodeType))


def body(code, file, names, loop):
    """`run` as a function of the iteration, or None where only module level can hold it.

    A name that it assigns is local, and so released at the end of each iteration,
    unless `setup` has bound it."""
    for head in ("def", "async def"):
        try:
            inner = inner_code(
                compile(wrap(parse(code, file), (), head), file, "exec", 0, True)
            )
        except SyntaxError:
            continue
        if inner.co_flags & GENERATOR:
            continue
        shared = set(inner.co_varnames + inner.co_cellvars) & set(names)
        shared.discard("iteration")
        tree = wrap(parse(code, file), shared, head)
        place = {}
        exec(compile(tree, file, "exec", 0, True), names, place)
        run = place["run"]
        if head == "def":
            return run
        wait = loop.wait
        return lambda iteration: wait(run(iteration))
    return None


def from_snippet(case, names, loop):
    """(run, teardown) of a case with inline code; runs its set-up."""
    file = case["file"]
    if case["setup"]:
        at_module_level(parse(case["setup"], file), file, names, loop)
    run = body(case["run"], file, names, loop)
    if run is None:
        tree = parse(case["run"], file)
        code = compile(tree, file, "exec", TOP_LEVEL_AWAIT, dont_inherit=True)
        step = types.FunctionType(code, names)
        waits = code.co_flags & COROUTINE

        def run(iteration):
            names["iteration"] = iteration
            if waits:
                loop.wait(step())
            else:
                exec(code, names)

    teardown = case["teardown"] and parse(case["teardown"], file)
    if not teardown:
        return run, None
    return run, lambda: at_module_level(teardown, file, names, loop)


def from_file(case, names, loop):
    """(run, teardown) of a file with functions; runs its `setup`."""
    file = names["__file__"] = case["file"]
    with open(file, "rb") as source:
        exec(compile(source.read(), file, "exec", 0, True), names)

    run = function(names.get("run"), loop)
    if run is None:
        raise SystemExit("%s has no function `run`" % file)
    setup = function(names.get("setup"), loop)
    teardown = function(names.get("teardown"), loop)
    if setup:
        setup()
    return run, teardown


def function(found, loop):
    """What a file calls `setup`, `run` or `teardown`, made to be called plainly."""
    code = getattr(found, "__code__", None)
    if code is None:
        return found
    given = code.co_argcount or code.co_flags & VARIABLE_ARGUMENTS
    if code.co_flags & COROUTINE:
        if given:
            return lambda *values: loop.wait(found(*values))
        return lambda *_: loop.wait(found())
    return found if given else lambda *_: found()


class Meter:
    """Collects, trims, reads the counters and publishes them in the slot."""

    def __init__(self, environ, offset):
        self.offset = offset
        self.slot_fd = int(environ.get("MEMCASE_SLOT_FD", "-1"))
        self.collects = environ.get("MEMCASE_COLLECT", "1") != "0"
        trims = environ.get("MEMCASE_TRIM", "1") != "0"
        self.heap, self.blocks, self.malloc, trim = counters()
        self.trim = trim if trims else None
        self.flags = COLLECTS | (TRIMS if self.trim else 0) | (HEAP if self.heap else 0)
        self.flags |= (BLOCKS if self.blocks else 0) | (MALLOC if self.malloc else 0)
        self.slot = bytearray(64)
        self.freezes = 2 if hasattr(gc, "freeze") else 0
        self.pack = struct.Struct("<II7Q").pack_into
        # Before 3.11 a function keeps its first frame, and gets a cache when it is
        # called for the 1,024th time. Both are to happen before the first reading.
        if sys.version_info < (3, 11):
            saved = self.collects, self.trim
            self.collects = self.trim = None
            for _ in repeat(None, 1100):
                self.turn(offset)
            self.full(offset)
            self.collects, self.trim = saved

    def publish(self, flags, count):
        if not gc.isenabled():
            flags |= COLLECTOR_OFF
        heap, blocks, malloc = self.heap, self.blocks, self.malloc
        self.pack(
            self.slot, 0, 1, flags, heap() if heap else 0, blocks() if blocks else 0,
            0, malloc() if malloc else 0, count - self.offset, 0, 0,
        )
        if self.slot_fd >= 0:
            os.pwrite(self.slot_fd, self.slot, 0)

    def turn(self, count):
        if self.collects:
            gc.collect()
            # What set-up made, and what the first turn loaded, is set aside: collections
            # look at the rest only, and take microseconds.
            if self.freezes:
                self.freezes -= 1
                gc.freeze()
        if self.trim:
            self.trim(0)
        self.publish(self.flags | FULL if self.collects else self.flags, count)

    def full(self, count):
        gc.collect()
        gc.collect()
        if self.trim:
            self.trim(0)
        self.publish(self.flags | FULL, count)


def drive(run, environ, meter):
    """Answers turns until memcase closes its end."""
    order_fd = int(environ["MEMCASE_READ_FD"])
    answer_fd = int(environ["MEMCASE_WRITE_FD"])
    runs = max(1, int(environ.get("MEMCASE_BATCH", "1")))
    count = offset = meter.offset
    meter.turn(count)
    os.write(answer_fd, b"\n")
    while True:
        order = os.read(order_fd, 1)
        if order == b"\n":
            for _ in repeat(None, runs):
                run(count - offset)
                count += 1
            meter.turn(count)
        elif order == b"c":
            meter.full(count)
        elif order == b"2":
            runs *= 2
        elif order in ORDERS:
            ORDERS[order](count - offset)
        elif order:
            raise SystemExit("memcase: the order %r is not known" % order)
        else:
            return
        os.write(answer_fd, b"\n")


def main():
    case, environ, own = CASE, dict(os.environ), sys.modules["__main__"]
    for name in ("READ", "WRITE", "SLOT"):
        given = environ.get("MEMCASE_%s_FD" % name)
        if given:
            os.set_inheritable(int(given), False)
    # The snippet is `__main__`, so that what it defines can be pickled by name.
    module = types.ModuleType("__main__" if "run" in case else case["module"])
    module.__builtins__ = __builtins__
    sys.modules[module.__name__] = module
    sys.path[0] = case["folder"]
    sys.argv[:] = [case["file"]]
    loop, meter = Loop(), Meter(environ, COUNT_FROM)
    if "MEMCASE_FINDINGS" in environ:
        ORDERS.update(explain_orders(environ))
    around = debugged(case, environ, ORDERS) if "debugged" in globals() else None
    try:
        make = from_snippet if "run" in case else from_file
        run, teardown = make(case, module.__dict__, loop)
        drive(around(run) if around else run, environ, meter)
        if teardown:
            teardown()
    except SystemExit:
        raise
    except BaseException as error:
        import traceback

        shown = error.__traceback__
        while shown and shown.tb_frame.f_code.co_filename == own.__file__:
            shown = shown.tb_next
        traceback.print_exception(type(error), error, shown)
        sys.stdout.flush()
        raise SystemExit(1)


main()
