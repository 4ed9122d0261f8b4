// Finds what keeps growing. Loaded by the driver in the second run of a case only: that run is not measured, so
// that this may collect, stop at every statement and write files as it likes.
//
// Three tools of V8 are used together. A sampling heap profile over the window tells by which functions the
// survivors were allocated, but not on which lines. Heap snapshots at the begin, the middle and the end of the
// window tell which objects are new and still there; another process reads them (`snapshots/main.cjs`). And some
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
// Iterations that are gone through by statements, as long as they take no more processor time than this in all.
const [STEPPED, PATIENCE] = [24, 3e6];
// Numbering collects all garbage: it is done for so many statements an iteration, and so many times for each of them.
const [NUMBERED, REPEATED] = [24, 3];
const MOST_MIB = 8192;

// Where the case has been, and the numbers of what was made there.
class Statement {
  constructor(stack, text) {
    this.stack = stack;
    this.text = text;
    this.runs = 0;
    // How often its end was numbered, and how often it was come to in this iteration.
    this.numbered = 0;
    this.times = 0;
    // Made at once: what is made in between would be put down to the case.
    this.ranges = new Float64Array(2 * STEPPED * REPEATED);
  }

  put(from, to) {
    this.ranges[2 * this.numbered] = from;
    this.ranges[2 * this.numbered + 1] = to;
    this.numbered++;
  }

  told() {
    const { stack, text, runs, numbered, ranges } = this;
    const pairs = Array.from({ length: numbered }, (_, at) => [ranges[2 * at], ranges[2 * at + 1]]);
    // What numbering itself needs is made at first, and is not the case's.
    return { stack, text, runs, ranges: pairs.slice(numbered > 1 ? 1 : 0) };
  }
}

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
    this.texts = new Map();
    // `descriptor`, `thread` or `process`, where that is what becomes more.
    this.counted = process.env.MEMCASE_COUNTED;
    if (this.counted) {
      const { Made } = require(given.made);
      this.made = new Made((below) => this.stack(below));
    }
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
      if (this.made) this.made.begin();
      this.snapshot();
      this.interval = much ? COARSE : FINE;
      this.post('HeapProfiler.startSampling', { samplingInterval: this.interval });
    } else {
      if (this.made) this.made.look();
      const method = order === HALF ? 'getSamplingProfile' : 'stopSampling';
      globalThis.gc();
      this.keep(this.post(`HeapProfiler.${method}`).profile);
      this.snapshot();
    }
    this.window.push(done());
    if (order === END) {
      if (this.made) this.made.end();
      this.analyse();
    }
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
    // What is a part of Node itself has a name and no path. What memcase has written may lie below the folder of the case.
    if (!path.isAbsolute(file) || path.dirname(file) === path.dirname(__filename)) return false;
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
      const locations = this.placesIn({ scriptId, lineNumber: 0, columnNumber: 0 });
      this.keepTexts(scriptId, plain(url), locations);
      let line = -1;
      for (const location of locations) {
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

  // The text of each statement: up to where the next one begins.
  keepTexts(scriptId, file, locations) {
    const lines = this.post('Debugger.getScriptSource', { scriptId }).scriptSource.split('\n');
    const starts = [...new Set(locations.map(({ lineNumber }) => lineNumber))].sort((a, b) => a - b);
    starts.forEach((start, at) => {
      this.texts.set(`${file}:${start + 1}`, lines.slice(start, starts[at + 1]).join('\n'));
    });
  }

  textAt(place) {
    return (place && this.texts.get(`${place.file}:${place.line}`)) || '';
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

  // The call path, from what called `below` on and without what is memcase's own.
  stack(below) {
    const [prepare, limit] = [Error.prepareStackTrace, Error.stackTraceLimit];
    const holder = {};
    Error.stackTraceLimit = FRAMES + 3;
    Error.prepareStackTrace = (_, sites) => sites.map(frame);
    Error.captureStackTrace(holder, below);
    const { stack } = holder;
    [Error.prepareStackTrace, Error.stackTraceLimit] = [prepare, limit];
    const { driver } = this.given;
    const own = stack.findIndex(({ file }) => file === driver || file === __filename);
    return own < 0 ? stack : stack.slice(0, own);
  }

  async step(iterate) {
    let [mark, current, until] = [0, null, 0];
    // Those to be numbered: none at first, to count all.
    let chosen = new Set();
    let counts = true;
    this.tick = (returns) => {
      if (busy() > until) {
        // What takes long, as a long loop does, is not to be stopped at any more.
        this.post('Debugger.setBreakpointsActive', { active: false });
        current = null;
        return false;
      }
      // The condition itself comes first, as a function that was made by `eval`. After a `return`, what is allocated from
      // here on is put down to the caller.
      const stack = this.stack(this.tick).slice(returns ? 2 : 1);
      const key = JSON.stringify(stack);
      let statement = this.statements.get(key);
      if (!statement) this.statements.set(key, (statement = new Statement(stack, this.textAt(stack[0]))));
      if (counts) statement.runs++;
      const numbered = chosen.has(statement) && statement.times++ < REPEATED;
      const next = current || numbered ? this.number() : 0;
      if (current) current.put(mark, next);
      [mark, current] = [next, numbered ? statement : null];
      return false;
    };
    globalThis.memcaseStatement = this.tick;
    this.post('HeapProfiler.enable');
    this.arm();
    const once = async () => {
      for (const statement of this.statements.values()) statement.times = 0;
      this.post('Debugger.setBreakpointsActive', { active: true });
      await iterate();
    };
    until = busy() + PATIENCE;
    await once();
    counts = false;
    until = busy() + PATIENCE;
    for (let stepped = 0; stepped < STEPPED && busy() < until; stepped++) {
      // Those come first of which least is known.
      const known = [...this.statements.values()].sort((a, b) => a.numbered - b.numbered);
      chosen = new Set(known.slice(0, NUMBERED));
      await once();
    }
    this.post('Debugger.disable');
    // Numbering goes on by a timer until it is stopped.
    this.post('HeapProfiler.stopTrackingHeapObjects', { reportProgress: false });
    delete globalThis.memcaseStatement;
  }

  // The end ---------------------------------------------------------------------------------------

  analyse() {
    const input = this.file('explained.json');
    const statements = [...this.statements.values()].map((statement) => statement.told());
    const { given, window, snapshots, profiles, interval, findings, counted } = this;
    const scripts = Object.fromEntries(this.scripts().map(({ scriptId, url }) => [scriptId, plain(url)]));
    const made = this.made ? this.made.told() : null;
    const all = { given, window, snapshots, profiles, interval, findings, statements, scripts, counted, made };
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

// Processor time in microseconds: how much is gone through is the same while the machine is busy.
function busy() {
  const { user, system } = process.cpuUsage();
  return user + system;
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
