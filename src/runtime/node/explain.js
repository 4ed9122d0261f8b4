// Finds what keeps growing. Loaded by the driver in the second run of a case only: that run is not measured, so
// that this may collect, stop at every statement and write files as it likes.
//
// Three tools of V8 are used together. A sampling heap profile over the window tells by which functions the
// survivors were allocated, but not on which lines. Heap snapshots at the begin, the middle and the end of the
// window tell which objects are new and still there; another process reads them (`snapshots.js`). And some
// iterations before the window are gone through statement by statement: objects are numbered in between, so that
// the number of a survivor tells its statement.
'use strict';

const { spawnSync } = require('child_process');
const fs = require('fs');
const inspector = require('inspector');
const path = require('path');
const v8 = require('v8');

const [BEGIN, HALF, END] = [98, 104, 101];
// Every allocation is sampled where there are few; of many, one in so many bytes.
const [FINE, COARSE] = [8, 512];
// An iteration that allocates more than this has many.
const MUCH = 2 << 20;
const FRAMES = 25;
// Iterations that are gone through by statements, as long as they take no longer than this in all.
const [STEPPED, PATIENCE_MS] = [64, 6000];
// A statement that is repeated is numbered so many times an iteration.
const REPEATED = 3;
const MOST_MIB = 8192;

class Explain {
  constructor(given, driver) {
    // Where the function around `run` begins, and where `run` does.
    const lines = (given.program || '').split('\n');
    const at = lines.findIndex((line) => line.startsWith(';await memcase(')) + 1;
    const runs = at > 0 ? { at, first: given.pieces[0][2] } : null;
    this.given = { ...given, driver, runs, program: undefined, pieces: undefined };
    this.findings = process.env.MEMCASE_FINDINGS;
    this.session = new inspector.Session();
    this.session.connect();
    this.window = [];
    this.snapshots = [];
    this.profiles = [];
    this.statements = new Map();
    // A sample names the function that was compiled, not one that was inlined into it.
    v8.setFlagsFromString('--no-turbo-inlining');
  }

  takes(order) {
    return order === BEGIN || order === HALF || order === END;
  }

  // `done` tells the iterations completed, and `iterate` completes another one.
  async follow(order, done, iterate) {
    if (order === BEGIN) {
      const much = await this.allocatesMuch(iterate);
      await this.step(iterate);
      this.snapshot();
      this.interval = much ? COARSE : FINE;
      this.post('HeapProfiler.startSampling', { samplingInterval: this.interval });
    } else {
      const method = order === HALF ? 'getSamplingProfile' : 'stopSampling';
      globalThis.gc();
      this.keep(this.post(`HeapProfiler.${method}`).profile);
      this.snapshot();
    }
    this.window.push(done());
    if (order === END) this.analyse();
  }

  // Commands to the own thread are answered before `post` returns.
  post(method, parameters) {
    let [failed, result] = [null, null];
    this.session.post(method, parameters, (error, answer) => {
      [failed, result] = [error, answer];
    });
    if (failed) throw new Error(`${method}: ${failed.message}`);
    return result;
  }

  file(name) {
    return path.join(path.dirname(this.findings), name);
  }

  snapshot() {
    const name = this.file(`explained-${this.snapshots.length}.heapsnapshot`);
    this.snapshots.push(v8.writeHeapSnapshot(name));
  }

  // On disk, so that it is no part of the heap that is looked at.
  keep(profile) {
    const name = this.file(`explained-${this.profiles.length}.heapprofile`);
    fs.writeFileSync(name, JSON.stringify(profile));
    this.profiles.push(name);
  }

  async allocatesMuch(iterate) {
    const before = v8.getHeapStatistics().used_heap_size;
    await iterate();
    const more = v8.getHeapStatistics().used_heap_size - before;
    return more < 0 || more > MUCH;
  }

  // Statements ------------------------------------------------------------------------------------

  isOwn(file) {
    if (file === this.given.name || file === this.given.file) return true;
    // What memcase itself has written may lie below the folder of the case.
    if (path.dirname(file) === path.dirname(__filename)) return false;
    const below = path.relative(this.given.folder || path.dirname(this.given.file), file);
    const inside = !below.startsWith('..') && !path.isAbsolute(below);
    return inside && !below.split(path.sep).includes('node_modules');
  }

  scripts() {
    const found = [];
    const parsed = ({ params }) => found.push(params);
    this.session.on('Debugger.scriptParsed', parsed);
    this.post('Debugger.enable');
    this.session.removeListener('Debugger.scriptParsed', parsed);
    return found;
  }

  placesIn(start) {
    try {
      return this.post('Debugger.getPossibleBreakpoints', { start }).locations;
    } catch {
      // A script that was compiled and is not run has none.
      return [];
    }
  }

  // Breakpoints whose conditions are never true: they are asked before each statement of the case.
  arm() {
    for (const { scriptId, url } of this.scripts()) {
      if (!url || !this.isOwn(plain(url))) continue;
      const start = { scriptId, lineNumber: 0, columnNumber: 0 };
      let line = -1;
      for (const location of this.placesIn(start)) {
        // A statement may begin with a call; the calls within it are a part of it.
        if (location.type === 'call' && location.lineNumber === line) continue;
        line = location.lineNumber;
        const condition = `memcaseStatement(${location.type === 'return'})`;
        try {
          this.post('Debugger.setBreakpoint', { location, condition });
        } catch {
          // Two places may be one for V8.
        }
      }
    }
  }

  // Numbers all objects that have no number yet, and tells the highest.
  number() {
    this.post('HeapProfiler.startTrackingHeapObjects');
    const { objectId } = this.post('Runtime.evaluate', { expression: '({})' }).result;
    this.post('HeapProfiler.startTrackingHeapObjects');
    const { heapSnapshotObjectId } = this.post('HeapProfiler.getHeapObjectId', { objectId });
    this.post('Runtime.releaseObject', { objectId });
    return Number(heapSnapshotObjectId);
  }

  // Whom the allocations from here on are put down to: after a `return` it is the caller.
  stack(returns) {
    const [prepare, limit] = [Error.prepareStackTrace, Error.stackTraceLimit];
    const holder = {};
    Error.stackTraceLimit = FRAMES + 3;
    Error.prepareStackTrace = (_, sites) => sites.map(frame);
    Error.captureStackTrace(holder, this.tick);
    // The condition itself comes first, as a function that was made by `eval`.
    const stack = holder.stack.slice(returns ? 2 : 1);
    [Error.prepareStackTrace, Error.stackTraceLimit] = [prepare, limit];
    const { driver } = this.given;
    const own = stack.findIndex(({ file }) => file === driver || file === __filename);
    return own < 0 ? stack : stack.slice(0, own);
  }

  async step(iterate) {
    let [mark, current, counting, until] = [0, null, true, Infinity];
    const seen = new Map();
    this.tick = (returns) => {
      const stack = this.stack(returns);
      const key = JSON.stringify(stack);
      const times = (seen.get(key) || 0) + 1;
      seen.set(key, times);
      let statement = this.statements.get(key);
      if (!statement) this.statements.set(key, (statement = { stack, runs: 0, ranges: [] }));
      if (counting) {
        statement.runs++;
      } else if (times > REPEATED || Date.now() > until) {
        current = null;
      } else {
        const next = this.number();
        if (current && mark) current.ranges.push([mark, next]);
        [mark, current] = [next, statement];
      }
      return false;
    };
    globalThis.memcaseStatement = this.tick;
    this.post('HeapProfiler.enable');
    this.arm();
    const once = async () => {
      seen.clear();
      await iterate();
    };
    await once();
    counting = false;
    // What numbering itself needs is made at first, and is not the case's.
    until = Date.now() + PATIENCE_MS;
    await once();
    for (const statement of this.statements.values()) statement.ranges = [];
    until = Date.now() + PATIENCE_MS;
    for (let stepped = 0; stepped < STEPPED && Date.now() < until; stepped++) await once();
    seen.clear();
    this.post('Debugger.disable');
    // Numbering goes on by a timer until it is stopped.
    this.post('HeapProfiler.stopTrackingHeapObjects', { reportProgress: false });
    delete globalThis.memcaseStatement;
  }

  // The end ---------------------------------------------------------------------------------------

  analyse() {
    const input = this.file('explained.json');
    const statements = [...this.statements.values()];
    const { given, window, snapshots, profiles, interval, findings } = this;
    const scripts = Object.fromEntries(this.scripts().map(({ scriptId, url }) => [scriptId, plain(url)]));
    const all = { given, window, snapshots, profiles, interval, findings, statements, scripts };
    fs.writeFileSync(input, JSON.stringify(all));
    const { NODE_OPTIONS, LD_PRELOAD, ...env } = process.env;
    const ran = spawnSync(process.execPath, [`--max-old-space-size=${MOST_MIB}`, given.snapshots, input], {
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const dump = process.env.MEMCASE_DUMP;
    if (dump) fs.renameSync(snapshots[snapshots.length - 1], `${dump}.heapsnapshot`);
    for (const name of [...snapshots, ...profiles, input]) fs.rmSync(name, { force: true });
    if (ran.status !== 0) {
      throw new Error(`memcase: the heap snapshots could not be read: ${ran.error || ran.stderr || ran.signal}`);
    }
  }
}

function frame(site) {
  return {
    file: plain(site.getFileName() || ''),
    line: site.getLineNumber() || 0,
    function: site.getFunctionName() || '',
    // Where the function begins, where V8 tells.
    from: site.getEnclosingLineNumber ? site.getEnclosingLineNumber() : 0,
  };
}

function plain(url) {
  return url.startsWith('file://') ? decodeURIComponent(url.slice(7)) : url;
}

module.exports = (given, driver) => new Explain(given, driver);
