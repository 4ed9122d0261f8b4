// Loops the `run` part of a case in lock-step with memcase (docs/protocol.md).
//
// The loop keeps nothing: its buffers are made once, and the few objects that a turn
// makes (a promise, the answer of a counter) die young and are collected in that turn.
'use strict';

const fs = require('fs');
const { createRequire } = require('module');
const path = require('path');
const { pathToFileURL } = require('url');
const v8 = require('v8');
const vm = require('vm');

const [VERSION, COLLECTS, HEAP, EXTERNAL, FULL] = [1, 1, 2, 8, 32];
const NEWLINE = 10;
const COLLECT = 99;
const DOUBLE = 50;

const orderFd = Number(process.env.MEMCASE_READ_FD);
const answerFd = Number(process.env.MEMCASE_WRITE_FD);
const slotFd = Number(process.env.MEMCASE_SLOT_FD || -1);
let runs = Math.max(1, Number(process.env.MEMCASE_BATCH || 1));
const collects = process.env.MEMCASE_COLLECT !== '0';
const gc = globalThis.gc;

const order = Buffer.alloc(1);
const answer = Buffer.from('\n');
const slot = new Uint8Array(64);
const view = new DataView(slot.buffer);
const minor = { type: 'minor' };
let count = 0;
// Follows the orders of a run that is explained and not measured.
let explain = null;
// Orders of a run that is not measured but debugged, and what it puts around `run`.
const orders = new Map();
let around = (run) => run;

// Two words, because a 64-bit setter would need a BigInt, which is an object.
function put(at, value) {
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / 4294967296), true);
}

function publish(flags, heap, external) {
  if (slotFd < 0) return;
  view.setUint32(0, VERSION, true);
  view.setUint32(4, COLLECTS | HEAP | EXTERNAL | flags, true);
  put(8, heap);
  put(24, external);
  put(40, count);
  fs.writeSync(slotFd, slot, 0, 64, 0);
}

function quick() {
  if (collects) gc(minor);
  const now = v8.getHeapStatistics();
  publish(0, now.used_heap_size, now.external_memory);
}

// Twice, because a finalizer that the first one runs lets go of more.
async function full() {
  gc();
  const first = v8.getHeapStatistics();
  const { used_heap_size: heap, external_memory: external } = first;
  await turn();
  gc();
  const now = v8.getHeapStatistics();
  publish(FULL, Math.min(heap, now.used_heap_size), Math.min(external, now.external_memory));
}

// One turn of the event loop: timers, finalizers and messages of workers get their time.
const turn = () => new Promise(setImmediate);

// One order, or 0 at the end. The pipe may have been made non-blocking by someone else.
function next(orders) {
  for (;;) {
    try {
      return fs.readSync(orders, order, 0, 1, null) === 1 ? order[0] : 0;
    } catch (error) {
      if (error.code === 'EOF') return 0;
      if (error.code !== 'EAGAIN' && error.code !== 'EINTR') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

// Answers orders until they end.
async function answerAll(run, from, answers) {
  for (;;) {
    const what = next(from);
    if (what === NEWLINE) {
      for (let left = runs; left > 0; left--) {
        const result = run(count++);
        if (result !== null && typeof result === 'object' && typeof result.then === 'function') {
          await result;
        }
      }
      await turn();
      quick();
    } else if (what === COLLECT) {
      await turn();
      await full();
    } else if (what === DOUBLE) {
      runs *= 2;
    } else if (orders.has(what)) {
      orders.get(what)();
    } else if (what === 0) {
      return;
    } else if (explain !== null && explain.takes(what)) {
      await explain.follow(what, () => count, () => run(count++));
    } else {
      throw new Error(`memcase: the order ${what} is not known`);
    }
    fs.writeSync(answers, answer, 0, 1);
  }
}

// The compilers of V8 come to a function after some hundred calls, and what they make is on
// its heap. For the loop itself that is to happen before the first reading: it answers orders
// from a file, with bodies of several kinds, so that the snippet's own is not a surprise.
async function warmUp(turns) {
  const nothing = fs.openSync('/dev/null', 'w');
  const kinds = [() => {}, (n) => n, async () => {}, () => null, () => ({}), (n) => [n]];
  for (const run of kinds) {
    const orders = fs.openSync(turns, 'r');
    await answerAll(run, orders, nothing);
    fs.closeSync(orders);
  }
  fs.closeSync(nothing);
  count = 0;
}

async function drive(run) {
  await full();
  fs.writeSync(answerFd, answer, 0, 1);
  await answerAll(around(run), orderFd, answerFd);
}

// Dynamic imports of the snippet are looked up from `place`.
function imports(place) {
  const constants = vm.constants || {};
  if (constants.USE_MAIN_CONTEXT_DEFAULT_LOADER) return constants.USE_MAIN_CONTEXT_DEFAULT_LOADER;
  const local = createRequire(place);
  return (name) => {
    if (/^(node|file|data):/.test(name)) return import(name);
    try {
      return import(pathToFileURL(local.resolve(name)).href);
    } catch {
      return import(name);
    }
  };
}

// Looks beside the case first, then among the packages that it requires.
function requireFrom(place, packages) {
  const local = createRequire(place);
  if (!packages) return local;
  const installed = createRequire(path.join(packages, 'package.json'));
  const both = (name) => {
    if (/^[./]/.test(name)) return local(name);
    try {
      return installed(name);
    } catch (error) {
      if (error.code !== 'MODULE_NOT_FOUND' || !error.message.includes(`'${name}'`)) throw error;
      return local(name);
    }
  };
  return Object.assign(both, { resolve: installed.resolve, cache: local.cache });
}

async function fromSnippet(given) {
  const options = { filename: given.name, importModuleDynamically: imports(given.name) };
  // Each piece by itself first: an open brace is then found where it was opened.
  for (const [head, text, lineOffset] of given.pieces) {
    new vm.Script(`${head}{\n${text}\n})`, { filename: given.name, lineOffset: lineOffset - 2 });
  }
  const script = new vm.Script(given.program, options);
  const main = script.runInThisContext();
  const own = requireFrom(path.join(given.folder, 'case'), given.packages);
  await main(own, given.folder, given.file, drive);
}

async function fromFile(given) {
  const found = await import(pathToFileURL(given.file).href);
  const part = (name) => found[name] || (found.default && found.default[name]);
  const [setup, run, teardown] = ['setup', 'run', 'teardown'].map(part);
  if (typeof run !== 'function') throw new Error(`${given.file} exports no function \`run\``);
  if (setup) await setup();
  await drive(run);
  if (teardown) await teardown();
}

function fail(error) {
  const text = String((error && error.stack) || error);
  const lines = text.split('\n');
  const parts = [__filename, '(node:', ' node:', given.explain].filter(Boolean);
  const own = (line) => parts.some((part) => line.includes(part));
  process.stderr.write(lines.filter((line) => !own(line)).join('\n') + '\n');
  process.exitCode = 1;
  setImmediate(() => process.exit(1));
}

const given = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
process.argv.splice(1, 2, given.file);
if (given.explain) explain = require(given.explain)(given, __filename);
const main = given.program === undefined ? fromFile : fromSnippet;
warmUp(given.turns).then(() => main(given)).then(
  // What the snippet left open (timers, workers, sockets) does not hold the process.
  () => setImmediate(() => process.exit()),
  fail,
);
