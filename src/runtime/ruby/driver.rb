# Loops the `run` part of a case in lock-step with memcase (docs/protocol.md).
#
# The loop keeps nothing: its buffers are made once, and what a turn makes (an array to
# pack) dies young and is collected in that turn.

require "objspace"

module Memcase
  COLLECTS, HEAP, BLOCKS, FULL, TRIMS = 1, 2, 4, 32, 64
  NEWLINE = "\n".freeze
  COLLECT = "c".freeze
  DOUBLE = "2".freeze

  # Gives free memory of the C allocator back, where that can be asked for.
  def self.trimmer
    return if ENV["MEMCASE_TRIM"] == "0"
    require "fiddle"
    trim = Fiddle.dlopen(nil)["malloc_trim"]
    Fiddle::Function.new(trim, [Fiddle::TYPE_SIZE_T], Fiddle::TYPE_INT)
  rescue LoadError, StandardError
    nil
  end

  # The descriptor, closed in the programs that the snippet starts.
  def self.descriptor(name, mode)
    number = ENV["MEMCASE_#{name}_FD"] or return
    file = IO.for_fd(Integer(number), mode, autoclose: false)
    file.close_on_exec = true
    file.sync = true
    file
  end

  # Collects, trims, reads the counters and publishes them in the slot.
  class Meter
    def initialize
      @slot = Memcase.descriptor("SLOT", "r+b")
      @collects = ENV["MEMCASE_COLLECT"] != "0"
      @trim = Memcase.trimmer
      @flags = COLLECTS | (@trim ? TRIMS : 0)
      @buffer = String.new(capacity: 64)
    end

    def publish(flags, heap, blocks, count)
      return unless @slot
      @buffer.clear
      [1, @flags | flags, heap, blocks, 0, 0, count, 0, 0].pack("L<2Q<7", buffer: @buffer)
      @slot.pwrite(@buffer, 0)
    end

    def quick(count)
      GC.start(full_mark: false) if @collects
      @trim&.call(0)
      publish(0, 0, 0, count)
    end

    # Twice, because a finalizer that the first one runs lets go of more.
    def full(count)
      GC.start
      GC.start
      @trim&.call(0)
      publish(HEAP | BLOCKS | FULL, ObjectSpace.memsize_of_all, GC.stat(:heap_live_slots), count)
    end
  end

  # Answers turns until memcase closes its end.
  def self.drive(run)
    orders, answers, meter = descriptor("READ", "rb"), descriptor("WRITE", "wb"), Meter.new
    runs = [1, Integer(ENV["MEMCASE_BATCH"] || 1)].max
    order = String.new(capacity: 1)
    count = 0
    meter.full(count)
    answers.syswrite(NEWLINE)
    loop do
      begin
        orders.sysread(1, order)
      rescue EOFError
        return
      end
      if order == NEWLINE
        left = runs
        while left > 0
          run.call(count)
          count += 1
          left -= 1
        end
        meter.quick(count)
      elsif order == COLLECT
        meter.full(count)
      elsif order == DOUBLE
        runs *= 2
      else
        abort("memcase: the order #{order.inspect} is not known")
      end
      answers.syswrite(NEWLINE)
    end
  end

  # Setup at top level; `run` as a lambda that sees what setup has bound, and whose other
  # names are its own.
  def self.from_snippet(given)
    file = given[:file]
    at_top = ->((text, line)) { TOPLEVEL_BINDING.eval(text, file, line) if text }
    text, line = given[:run]
    at_top.call(given[:setup])
    drive(TOPLEVEL_BINDING.eval("lambda { |iteration|\n#{text}\n}", file, line - 1))
    at_top.call(given[:teardown])
  end

  # The methods of a file.
  def self.from_file(given)
    load given[:file]
    own = TOPLEVEL_BINDING.receiver
    part = ->(name) { own.method(name) if own.respond_to?(name, true) }
    run = part.call(:run) or abort("#{given[:file]} has no method `run`")
    part.call(:setup)&.call
    drive(run.arity == 0 ? ->(_) { run.call } : run)
    part.call(:teardown)&.call
  end

  def self.main(given)
    given[:run] ? from_snippet(given) : from_file(given)
  rescue SystemExit
    raise
  rescue Exception => error
    places = error.backtrace&.reject { |place| place.start_with?(__FILE__, "<internal:") }
    error.set_backtrace(places)
    $stderr.puts(error.full_message(highlight: false, order: :top))
    exit(1)
  end
end

$PROGRAM_NAME = MEMCASE[:file]
Memcase.main(MEMCASE)
