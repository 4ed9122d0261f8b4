// What a case opens and starts that is no memory, and is still there. Loaded in a run that is explained only, where
// descriptors, threads or processes are what becomes more.
'use strict';

const { createHook, executionAsyncId } = require('async_hooks');
const fs = require('fs');
const { syncBuiltinESMExports } = require('module');
const workers = require('worker_threads');

const HANDLES = new Set(['TCPWRAP', 'TCPSERVERWRAP', 'PIPEWRAP', 'PIPESERVERWRAP', 'UDPWRAP', 'TTYWRAP']);
const PROCESS = 'PROCESSWRAP';

class Made {
  // `stack` tells the frames of the call that runs, from what called a function on.
  constructor(stack) {
    this.stack = stack;
    this.listening = false;
    // By what call each asynchronous thing was begun that is not over.
    this.calls = new Map();
    // Handles, processes and threads by their own objects; other descriptors by their numbers.
    this.objects = new Map();
    this.opened = new Map();
    this.counts = [];
    // Files have no event that tells who opens them.
    const opens = (number, call) => this.opened.set(number, { call, what: whatIs(number) });
    this.wrap(fs, 'openSync', opens);
    this.wrap(fs.promises, 'open', (opening, call) => opening.then(({ fd }) => opens(fd, call), () => {}));
    this.wrapCallback(fs, 'open', opens);
    this.wrapNew(fs, 'opendirSync', opens);
    const made = this;
    workers.Worker = class Worker extends workers.Worker {
      constructor(...given) {
        super(...given);
        made.keep(Symbol('thread'), 'thread', this, made.call(Worker));
      }
    };
    syncBuiltinESMExports();
    const init = (id, type, trigger, resource) => {
      const call = this.call(init, trigger);
      this.calls.set(id, call);
      if (HANDLES.has(type)) this.keep(id, 'descriptor', resource, call);
      if (type === PROCESS) this.keep(id, 'process', resource, call);
    };
    const destroy = (id) => this.calls.delete(id) && this.objects.delete(id);
    // From `setup` on: a server that was begun there makes sockets later.
    this.hook = createHook({ init, destroy }).enable();
  }

  begin() {
    this.begun = new Set(descriptors());
    this.listening = true;
  }

  look() {
    this.counts.push(this.alive());
  }

  end() {
    this.listening = false;
    this.hook.disable();
  }

  // The frames of the case or a package, or of what began this asynchronously.
  call(below, trigger) {
    const stack = this.stack(below);
    if (stack.some(({ file }) => isProgram(file))) return stack;
    return this.calls.get(executionAsyncId()) || this.calls.get(trigger) || [];
  }

  keep(id, kind, object, call) {
    if (this.listening) this.objects.set(id, { kind, call, object: new WeakRef(object) });
  }

  // `keep` is told what the function returned, with the call.
  wrap(from, name, keep) {
    const [made, original] = [this, from[name]];
    const wrapped = {
      [name](...given) {
        const returned = original.apply(this, given);
        if (made.listening) keep(returned, made.call(wrapped));
        return returned;
      },
    }[name];
    from[name] = wrapped;
  }

  // `keep` is told the numbers that are new.
  wrapNew(from, name, keep) {
    const [made, original] = [this, from[name]];
    let before = null;
    from[name] = function (...given) {
      before = made.listening ? new Set(descriptors()) : null;
      return original.apply(this, given);
    };
    this.wrap(from, name, (_, call) => {
      for (const number of descriptors()) if (!before.has(number)) keep(number, call);
    });
  }

  // `keep` is told what the callback is given.
  wrapCallback(from, name, keep) {
    const [made, original] = [this, from[name]];
    const wrapped = {
      [name](...given) {
        const done = given.at(-1);
        if (made.listening && typeof done === 'function') {
          const call = made.call(wrapped);
          given[given.length - 1] = function (error, number) {
            if (!error) keep(number, call);
            return done.apply(this, arguments);
          };
        }
        return original.apply(this, given);
      },
    }[name];
    from[name] = wrapped;
  }

  // How many there are of each call: of what is open, runs, or has not ended.
  alive() {
    const counts = new Map();
    const count = (kind, call) => {
      const key = JSON.stringify([kind, call]);
      counts.set(key, (counts.get(key) || 0) + 1);
    };
    const handles = new Map();
    for (const [id, { kind, call, object }] of this.objects) {
      const made = object.deref();
      if (!made) this.objects.delete(id);
      else if (kind === 'descriptor') handles.set(made.fd, call);
      else if (kind === 'thread' ? made.threadId > 0 : runs(made.pid)) count(kind, call);
    }
    for (const number of descriptors()) {
      if (this.begun.has(number)) continue;
      // What was opened may have been closed since, and its number used again.
      const { call, what } = this.opened.get(number) || {};
      count('descriptor', handles.get(number) || (what === whatIs(number) && call) || []);
    }
    return counts;
  }

  told() {
    const [half, end] = this.counts;
    return [...end].map(([key, all]) => {
      const [kind, stack] = JSON.parse(key);
      const first = half.get(key) || 0;
      return { kind, count: [first, all - first], stack };
    });
  }
}

function isProgram(file) {
  return file !== '' && !file.startsWith('node:');
}

// Those that are open, but for the one that this takes.
function descriptors() {
  const isOpen = (number) => {
    try {
      return Boolean(fs.fstatSync(number));
    } catch {
      return false;
    }
  };
  return fs.readdirSync('/proc/self/fd').map(Number).filter(isOpen);
}

function whatIs(number) {
  try {
    return fs.readlinkSync(`/proc/self/fd/${number}`);
  } catch {
    return null;
  }
}

function runs(pid) {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch {
    return false;
  }
}

module.exports = { Made };
