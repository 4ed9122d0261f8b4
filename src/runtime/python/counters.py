# What the allocators of this interpreter say. Shared by the driver, which reads it at
# every turn, and by the probe, which asks only whether it can be read.
#
# Nothing here may grow from one reading to the next: buffers are made once, and every
# object that a reading makes is gone when the next one is taken.

import sys

HEAP, BLOCKS, EXTERNAL, MALLOC = 2, 4, 8, 16
HEAP_LINE = b"# bytes in allocated blocks"
HEAP_TEXT = 1 << 15


def native():
    """The C library and the interpreter, called without letting go of the lock."""
    try:
        import ctypes

        return ctypes, ctypes.PyDLL(None)
    except (ImportError, OSError):
        return None, None


def heap_number(text):
    """The number behind `# bytes in allocated blocks = 3,492,064`, or None."""
    at = text.find(HEAP_LINE)
    if at < 0:
        return None
    start = text.find(b"=", at) + 1
    return int(text[start : text.find(b"\n", start)].replace(b",", b""))


def heap_from_memory(ctypes, library):
    """Bytes in pymalloc's blocks, printed by the interpreter into a buffer of ours."""
    try:
        report = library._PyObject_DebugMallocStats
        fmemopen, fflush, rewind = library.fmemopen, library.fflush, library.rewind
    except AttributeError:
        return None
    text = bytearray(HEAP_TEXT)
    fmemopen.restype = ctypes.c_void_p
    fmemopen.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p]
    for function in (report, fflush, rewind):
        function.argtypes = [ctypes.c_void_p]
    rewind.restype = None
    buffer = (ctypes.c_char * HEAP_TEXT).from_buffer(text)
    stream = ctypes.c_void_p(fmemopen(ctypes.addressof(buffer), HEAP_TEXT, b"w"))
    if not stream:
        return None

    def heap(buffer=buffer):
        rewind(stream)
        report(stream)
        fflush(stream)
        return heap_number(text)

    return heap


def heap_from_stderr():
    """The same where the interpreter keeps that function to itself: it can only be had
    on standard error, which is turned into a file in memory for the time of the call."""
    import os

    try:
        report, sink = sys._debugmallocstats, os.memfd_create("memcase-heap")
        kept = os.dup(2)
    except (AttributeError, OSError):
        return None

    def heap():
        os.ftruncate(sink, 0)
        os.lseek(sink, 0, 0)
        os.dup2(sink, 2)
        try:
            report()
        finally:
            os.dup2(kept, 2)
        return heap_number(os.pread(sink, HEAP_TEXT, 0))

    return heap


def malloc_from_library(ctypes, library):
    """Bytes in use by the C allocator: chunks handed out, and its own mappings."""
    try:
        mallinfo2 = library.mallinfo2
    except AttributeError:
        return None
    size = ctypes.c_size_t
    names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"

    class MallInfo2(ctypes.Structure):
        _fields_ = [(name, size) for name in names.split()]

    mallinfo2.restype = MallInfo2
    mallinfo2.argtypes = []

    def malloc():
        info = mallinfo2()
        return info.uordblks + info.hblkhd

    return malloc


def counters():
    """(heap, blocks, malloc, trim): functions, or None for what cannot be had."""
    ctypes, library = native()
    heap = malloc = trim = None
    blocks = getattr(sys, "getallocatedblocks", None)
    if sys.implementation.name != "cpython":
        return None, None, None, None
    if ctypes is not None:
        heap = heap_from_memory(ctypes, library)
        malloc = malloc_from_library(ctypes, library)
        trim = getattr(library, "malloc_trim", None)
        if trim is not None:
            trim.argtypes = [ctypes.c_size_t]
    if heap is None:
        heap = heap_from_stderr()
    if heap is not None and not heap():
        heap = None
    if blocks is not None and not blocks():
        blocks = None
    return heap, blocks, malloc, trim
