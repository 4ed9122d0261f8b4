# What an interpreter is, a line each. Also read by versions too old to be used.

print(sys.executable or "")
print(getattr(getattr(sys, "implementation", None), "name", "cpython"))
print(".".join(str(part) for part in sys.version_info[:3]))
found = counters() if sys.version_info >= (3, 8) else (None, None, None, None)
print(int(found[0] is not None))
print(int(found[2] is not None))
