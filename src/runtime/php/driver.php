<?php
// Loops the `run` part of a case in lock-step with memcase (docs/protocol.md).
//
// The loop keeps nothing: what a turn makes (a text of 64 bytes, the answer of a counter)
// is freed in that turn, and PHP frees at once.

namespace Memcase;

const COLLECTS = 1, HEAP = 2, MALLOC = 16, FULL = 32, TRIMS = 64;
const LIBRARY = 'struct memcase_info { size_t each[10]; };'
    . 'struct memcase_info mallinfo2(void);'
    . 'int malloc_trim(size_t pad);'
    . 'int fcntl(int descriptor, int command, ...);';

/** Collects, trims, reads the counters and publishes them in the slot. */
final class Meter
{
    private $slot;
    private ?\FFI $library;
    private bool $collects;
    private bool $trims;
    private int $flags;

    public function __construct()
    {
        $this->library = self::library();
        $this->collects = getenv('MEMCASE_COLLECT') !== '0';
        $this->trims = getenv('MEMCASE_TRIM') !== '0';
        $this->slot = $this->descriptor('SLOT', 'r+');
        $this->flags = COLLECTS | HEAP | ($this->library ? MALLOC : 0)
            | ($this->trims ? TRIMS : 0);
    }

    /** The C library, where FFI is there and the library counts. */
    private static function library(): ?\FFI
    {
        try {
            return class_exists('FFI', false) ? \FFI::cdef(LIBRARY) : null;
        } catch (\Throwable) {
            return null;
        }
    }

    /** Whether bytes of the C allocator can be read. */
    public static function counts_malloc(): bool
    {
        return self::library() !== null;
    }

    /** The descriptor, closed in the programs that the snippet starts where FFI is there. */
    public function descriptor(string $name, string $mode)
    {
        $number = getenv("MEMCASE_{$name}_FD");
        if ($number === false) {
            return null;
        }
        // PHP works on a copy, of which the number is not known: it is the lowest free one.
        $copy = $this->lowest();
        $file = fopen("php://fd/$number", $mode);
        stream_set_read_buffer($file, 0);
        stream_set_write_buffer($file, 0);
        $this->library?->fcntl((int) $number, 2, 1);
        $this->library?->fcntl($copy, 2, 1);
        return $file;
    }

    /** The lowest descriptor that is free (F_GETFD tells), or -1. */
    private function lowest(): int
    {
        for ($free = 0; $this->library !== null; $free++) {
            if ($this->library->fcntl($free, 1) < 0) {
                return $free;
            }
        }
        return -1;
    }

    public function turn(int $count, bool $full): void
    {
        if ($full || $this->collects) {
            gc_collect_cycles();
        }
        if ($full) {
            gc_collect_cycles();
        }
        if ($this->trims) {
            gc_mem_caches();
            $this->library?->malloc_trim(0);
        }
        if ($this->slot === null) {
            return;
        }
        $malloc = 0;
        if ($this->library) {
            $info = $this->library->mallinfo2();
            $malloc = $info->each[7] + $info->each[4];
            unset($info);
        }
        $flags = $this->flags | ($full || $this->collects ? FULL : 0);
        fseek($this->slot, 0);
        fwrite($this->slot, pack('V2P7', 1, $flags, memory_get_usage(), 0, 0, $malloc, $count, 0, 0));
    }
}

/** Answers turns until memcase closes its end. */
function drive(callable $run): void
{
    $meter = new Meter();
    $orders = $meter->descriptor('READ', 'r');
    $answers = $meter->descriptor('WRITE', 'w');
    $runs = max(1, (int) (getenv('MEMCASE_BATCH') ?: 1));
    $count = 0;
    $meter->turn($count, true);
    fwrite($answers, "\n");
    while (($order = fread($orders, 1)) !== '' && $order !== false) {
        if ($order === "\n") {
            for ($left = $runs; $left > 0; $left--) {
                $run($count++);
            }
            $meter->turn($count, false);
        } elseif ($order === 'c') {
            $meter->turn($count, true);
        } elseif ($order === '2') {
            $runs *= 2;
        } else {
            fwrite(STDERR, "memcase: the order $order is not known\n");
            exit(70);
        }
        fwrite($answers, "\n");
    }
}

/** The functions of a file. */
function from_file(string $file): void
{
    require $file;
    if (!function_exists('run')) {
        fwrite(STDERR, "$file has no function `run`\n");
        exit(1);
    }
    if (function_exists('setup')) {
        \setup();
    }
    drive('run');
    if (function_exists('teardown')) {
        \teardown();
    }
}
