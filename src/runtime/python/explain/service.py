# Follows the orders of an explanation in a program that memcase does not drive: in a thread, by named pipes. It is
# imported as the `sitecustomize` of the program, and lets the one come after it that the program has.

# Without a case the program's own module is `__main__`.
CASE = {}


def follow_orders():
    import os, threading, traceback

    place = os.environ.get("MEMCASE_ORDERS", "")
    try:
        # The first process is followed.
        os.close(os.open(place + ".taken", os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except OSError:
        return
    orders = explain_orders(os.environ)

    def listen():
        with open(place + ".given", "rb", 0) as given, open(place + ".done", "wb", 0) as done:
            while True:
                order = given.read(9)
                try:
                    orders[order[:1]](int.from_bytes(order[1:], "little"))
                except BaseException:
                    traceback.print_exc()
                    done.write(b"!")
                    return
                done.write(b"\n")

    threading.Thread(target=listen, name="memcase", daemon=True).start()


def give_way():
    """Lets the `sitecustomize` run that this one stands before."""
    import os

    here, own = os.path.dirname(os.path.abspath(__file__)), sys.modules.pop("sitecustomize")
    sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder) != here]
    try:
        import sitecustomize
    except ImportError as error:
        if error.name != "sitecustomize":
            raise
    finally:
        sys.modules.setdefault("sitecustomize", own)


follow_orders()
give_way()
