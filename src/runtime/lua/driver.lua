-- Loops the `run` part of a case in lock-step with memcase (docs/protocol.md).
--
-- The loop keeps nothing: what a turn makes (a text of 64 bytes) is garbage before the next
-- reading. Files are opened anew by their descriptors, without a buffer, so that a read takes
-- one byte from the pipe and no more.

local COLLECTS, HEAP, FULL = 1, 2, 32
-- A collection that takes no longer than this (seconds) is made at every turn.
local SHORT = 0.001

local pack, clock, count = string.pack, os.clock, collectgarbage

local function descriptor(name, mode)
  local number = os.getenv("MEMCASE_" .. name .. "_FD")
  if not number then return nil end
  local file = assert(io.open("/dev/fd/" .. number, mode))
  file:setvbuf("no")
  return file
end

local slot = descriptor("SLOT", "r+b")
local collects = os.getenv("MEMCASE_COLLECT") ~= "0"

local function publish(flags, iterations)
  if not slot then return end
  local bytes = math.tointeger(count("count") * 1024)
  slot:seek("set", 0)
  slot:write(pack("<I4I4I8I8I8I8I8I8I8", 1, COLLECTS | HEAP | flags, bytes, 0, 0, 0, iterations, 0, 0))
end

-- Twice, because a finalizer that the first one runs lets go of more.
local function full(iterations)
  count()
  count()
  publish(FULL, iterations)
end

-- Answers turns until memcase closes its end.
local function drive(run)
  local orders, answers = descriptor("READ", "rb"), descriptor("WRITE", "wb")
  local runs = math.max(1, tonumber(os.getenv("MEMCASE_BATCH") or 1))
  local iterations = 0
  count()
  local began = clock()
  full(iterations)
  local often = collects and clock() - began <= SHORT
  answers:write("\n")
  while true do
    local order = orders:read(1)
    if order == "\n" then
      for _ = 1, runs do
        run(iterations)
        iterations = iterations + 1
      end
      if often then full(iterations) else publish(0, iterations) end
    elseif order == "c" then
      full(iterations)
    elseif order == "2" then
      runs = runs * 2
    elseif order then
      error("memcase: the order " .. order .. " is not known", 0)
    else
      return
    end
    answers:write("\n")
  end
end

local function from_snippet(given)
  -- Each piece by itself first: an open block is then found where it was opened.
  for _, piece in ipairs(given.pieces) do
    assert(load(piece, "=memcase!"))
  end
  assert(load(given.program, "=memcase!"))(drive)
end

-- The functions of a file: global ones, or those of the table that it returns.
local function from_file(given)
  local found = assert(loadfile(given.file))()
  local function part(name)
    return type(found) == "table" and found[name] or _G[name]
  end
  if not part("run") then error(given.file .. " has no function `run`", 0) end
  if part("setup") then part("setup")() end
  drive(part("run"))
  if part("teardown") then part("teardown")() end
end

local function told(problem)
  if type(problem) ~= "string" and not (getmetatable(problem) or {}).__tostring then
    problem = "an error that is a " .. type(problem)
  end
  -- What is memcase's own in the trace says nothing of the case.
  local lines = {}
  for line in debug.traceback(tostring(problem), 2):gmatch("[^\n]+") do
    local own = line:find(arg[0], 1, true) or line:find("[C]", 1, true)
    if not (own and line:find("^%s")) then lines[#lines + 1] = line end
  end
  return table.concat(lines, "\n")
end

local main = MEMCASE.program and from_snippet or from_file
local fine, problem = xpcall(main, told, MEMCASE)
if not fine then
  io.stderr:write(problem, "\n")
  os.exit(1)
end
