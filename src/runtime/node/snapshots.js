// Reads what `explain.js` has written about a window of iterations, and tells what was found: where survivors were
// allocated, of what types they are, and who keeps them. It runs in a process of its own, once the window is over.
'use strict';

const fs = require('fs');
const path = require('path');

const [SITES, KINDS, GROUPS, SAMPLES, WAYS, LONGEST] = [300, 40, 6, 12, 3, 14];
// Bytes an iteration in texts, from which on they are looked for.
const TEXT = 8;
// Properties from which on an object is a table.
const MANY = 50;
const ORDER = ['case', 'package', 'global', 'language', 'gc'];
// How far each kind of root is: the way of a variable of the case is told before one that node itself has.
const FAR = { case: 0, package: 8, global: 12, language: 16, gc: 40 };
// What an object is made of, and not what it refers to.
const MADE_OF = new Set(['map', 'code', 'shared', 'feedback_cell', 'native_context', 'descriptors', 'script']);
const ROUNDABOUT = new Set(['__proto__', 'constructor', 'prototype']);
const WORDS = {
  reactions_or_result: 'what waits for it',
  parameters_and_registers: 'a local variable',
  buffer: '.buffer',
  bound_this: 'its bound `this`',
  bound_function: 'what it binds',
  bound_argument: 'a bound argument',
};

// A heap snapshot of V8 ---------------------------------------------------------------------------

class Snapshot {
  constructor(file) {
    const text = fs.readFileSync(file);
    const begin = text.indexOf('"nodes":[');
    const header = text.toString('utf8', 0, begin).trimEnd().replace(/,$/, '}');
    const { meta, node_count: count, edge_count: edges } = JSON.parse(header).snapshot;
    this.count = count;
    this.types = meta.node_types[0];
    this.edgeTypes = meta.edge_types[0];
    const nodeFields = meta.node_fields;
    const width = nodeFields.length;
    const [nodes, afterNodes] = numbers(text, 'nodes', begin, count * width);
    const column = (name) => {
      const at = nodeFields.indexOf(name);
      return Uint32Array.from({ length: count }, (_, node) => nodes[node * width + at]);
    };
    [this.type, this.name, this.id, this.size] = ['type', 'name', 'id', 'self_size'].map(column);
    const own = column('edge_count');
    this.first = new Uint32Array(count + 1);
    for (let node = 0; node < count; node++) this.first[node + 1] = this.first[node] + own[node];
    const [all, afterEdges] = numbers(text, 'edges', afterNodes, edges * 3);
    [this.edgeType, this.edgeName, this.to] = [0, 1, 2].map((at) =>
      Uint32Array.from({ length: edges }, (_, edge) => (at === 2 ? all[edge * 3 + 2] / width : all[edge * 3 + at])),
    );
    this.places = new Map();
    const from = text.indexOf('"locations":[', afterEdges);
    const [locations] = numbers(text, 'locations', from, count * 4);
    for (let at = 0; at + 3 < locations.length; at += 4) {
      this.places.set(locations[at] / width, { script: locations[at + 1], line: locations[at + 2] + 1 });
    }
    const strings = text.indexOf('"strings":[', from) + '"strings":'.length;
    this.strings = JSON.parse(text.toString('utf8', strings, text.lastIndexOf(']') + 1));
  }

  typeOf(node) {
    return this.types[this.type[node]];
  }

  nameOf(node) {
    return this.strings[this.name[node]];
  }

  // Edges of an array or a table are numbered, the others have names.
  edgeNameOf(edge) {
    const type = this.edgeTypes[this.edgeType[edge]];
    return type === 'element' || type === 'hidden' ? this.edgeName[edge] : this.strings[this.edgeName[edge]];
  }

  // Whether it is there for people, or only inside of an object.
  isShown(node) {
    const type = this.typeOf(node);
    if (type === 'object') return !this.nameOf(node).startsWith('system / ');
    return !['hidden', 'array', 'code', 'object shape', 'native', 'synthetic'].includes(type);
  }

  // Whether the edge keeps what it leads to, in a way that one can speak of.
  keeps(from, edge) {
    const type = this.edgeTypes[this.edgeType[edge]];
    if (type === 'weak') return false;
    const to = this.typeOf(this.to[edge]);
    if (to === 'code' || to === 'object shape') return false;
    if (type !== 'internal') return true;
    const name = this.strings[this.edgeName[edge]];
    if (MADE_OF.has(name)) return false;
    // A table of weak keys keeps no value; the key does.
    const pair = / pair in WeakMap \(table @(\d+)\)$/.exec(name);
    return !pair || Number(pair[1]) !== this.id[from];
  }

  ids() {
    return new Set(this.id);
  }
}

// The numbers of `"name":[…]`, and where they end.
function numbers(text, name, from, most) {
  let at = text.indexOf(`"${name}":[`, from) + name.length + 4;
  const found = new Uint32Array(most);
  let [length, value, digits] = [0, 0, 0];
  for (; at < text.length; at++) {
    const byte = text[at] - 48;
    if (byte >= 0 && byte <= 9) {
      value = value * 10 + byte;
      digits++;
    } else {
      if (digits > 0) found[length++] = value;
      [value, digits] = [0, 0];
      if (text[at] === 93) break;
    }
  }
  return [found.subarray(0, length), at];
}

// Whose code it is --------------------------------------------------------------------------------

class Owners {
  constructor(given) {
    this.given = given;
    this.base = given.folder || path.dirname(given.file);
  }

  of(file) {
    if (file === this.given.driver || file === this.given.explain) return 'driver';
    if (file === this.given.name) return 'case';
    if (!path.isAbsolute(file)) return 'language';
    return file.split(path.sep).includes('node_modules') ? 'package' : 'case';
  }

  place(file, line, name) {
    return { file, line, function: name, owner: this.of(file) };
  }
}

function plain(url) {
  return url.startsWith('file://') ? decodeURIComponent(url.slice(7)) : url;
}

// Where it was allocated --------------------------------------------------------------------------

class Sites {
  constructor(input, owners) {
    this.input = input;
    this.owners = owners;
    this.blocksOf = new Map();
    const { interval } = input;
    // A sample stands for as many blocks of its size as are likely to have been passed over.
    for (let size = 8; size <= 1 << 16; size += 8) {
      const likely = 1 / (1 - Math.exp(-size / interval));
      const told = Math.floor(likely + 0.5);
      if (!this.blocksOf.has(size * told)) this.blocksOf.set(size * told, [size * likely, likely]);
    }
  }

  // Bytes and blocks by call path.
  read(file) {
    const { head, samples } = JSON.parse(fs.readFileSync(file, 'utf8'));
    const paths = new Map();
    const queue = [[head, []]];
    while (queue.length > 0) {
      const [node, above] = queue.pop();
      const { functionName, url, lineNumber } = node.callFrame;
      const frame = { file: plain(url), line: lineNumber + 1, function: functionName.replace(/^\(.*\)$/, '') };
      const stack = node === head ? [] : [frame, ...above];
      paths.set(node.id, stack);
      for (const child of node.children) queue.push([child, stack]);
    }
    const found = new Map();
    for (const { size, nodeId } of samples) {
      const stack = paths.get(nodeId) || [];
      const key = JSON.stringify(stack);
      const sum = found.get(key) || { stack, bytes: 0, blocks: 0 };
      const [bytes, blocks] = this.blocksOf.get(size) || [size, 1];
      sum.bytes += bytes;
      sum.blocks += blocks;
      found.set(key, sum);
    }
    return found;
  }

  // What survived of the two halves, with lines instead of functions where statements were gone through.
  grown() {
    const [half, end] = this.input.profiles.map((file) => this.read(file));
    const sites = [];
    for (const [key, last] of end) {
      const first = half.get(key) || { bytes: 0, blocks: 0 };
      const halves = (name) => [first[name], last[name] - first[name]];
      this.put(sites, last.stack, halves('bytes'), halves('blocks'));
    }
    return sites;
  }

  put(sites, stack, bytes, blocks) {
    const places = stack.map(({ file, line, function: name }) => this.owners.place(file, line, name));
    const at = places.findIndex(({ owner }) => owner !== 'language');
    if (at >= 0 && places[at].owner === 'driver') return;
    const own = places.findIndex(({ owner }) => owner === 'case');
    const statements = own < 0 ? [] : this.statementsOf(places[own]);
    const whole = statements.reduce((sum, { rate }) => sum + rate, 0);
    if (whole <= 0) {
      sites.push({ bytes, blocks, stack: places.map((place) => this.inRun(place)) });
      return;
    }
    for (const statement of statements) {
      const part = ([a, b]) => [(a * statement.rate) / whole, (b * statement.rate) / whole];
      const to = [...places.slice(0, own), ...this.placesOf(statement)];
      sites.push({ bytes: part(bytes), blocks: part(blocks), stack: to });
    }
  }

  // The statements in the function that begins at a place, that allocated what survived.
  statementsOf({ file, line, function: name }) {
    return this.input.statements.filter(({ stack, rate }) => {
      const [top] = stack;
      return rate > 0 && top && top.file === file && (top.from ? top.from === line : top.function === name);
    });
  }

  placesOf({ stack }) {
    return stack.map(({ file, line, function: name }) => this.owners.place(file, line, name));
  }

  // The function around `run` begins outside of the case file.
  inRun(place) {
    const { name, runs } = this.input.given;
    return place.file === name && runs && place.line === runs.at ? { ...place, line: runs.first } : place;
  }
}

// What is there at the end ------------------------------------------------------------------------

class End {
  constructor(input) {
    this.snapshot = new Snapshot(input.snapshots[2]);
    [this.before, this.middle] = input.snapshots.slice(0, 2).map((file) => new Snapshot(file).ids());
    this.input = input;
    this.owners = new Owners(input.given);
    this.holders = this.inside();
  }

  // 0 for what is older than the window, else the half in which it was made.
  madeIn(node) {
    const id = this.snapshot.id[node];
    if (this.before.has(id)) return 0;
    return this.middle.has(id) ? 1 : 2;
  }

  // For each thing that is inside of an object (elements, tables, variables, memory of a buffer): which object.
  inside() {
    const { snapshot } = this;
    const holders = new Int32Array(snapshot.count).fill(-1);
    for (let node = 0; node < snapshot.count; node++) {
      if (!snapshot.isShown(node)) continue;
      const stack = [node];
      while (stack.length > 0) {
        const from = stack.pop();
        for (let edge = snapshot.first[from]; edge < snapshot.first[from + 1]; edge++) {
          const to = snapshot.to[edge];
          if (holders[to] >= 0 || snapshot.isShown(to) || !snapshot.keeps(from, edge)) continue;
          holders[to] = node;
          stack.push(to);
        }
      }
    }
    return holders;
  }

  kindOf(node) {
    const { snapshot } = this;
    const [type, name] = [snapshot.typeOf(node), snapshot.nameOf(node)];
    if (type === 'closure') return `function ${name || '(anonymous)'}`;
    if (type === 'object') return name || 'Object';
    if (type === 'regexp') return 'RegExp';
    return type.endsWith('string') ? 'string' : type;
  }

  kinds() {
    const { snapshot } = this;
    const found = new Map();
    for (let node = 0; node < snapshot.count; node++) {
      const half = this.madeIn(node);
      const holder = snapshot.isShown(node) ? node : this.holders[node];
      if (half === 0 || holder < 0) continue;
      const name = this.kindOf(holder);
      const kind = found.get(name) || { name, count: [0, 0], bytes: [0, 0], sizes: new Map(), nodes: [] };
      found.set(name, kind);
      kind.bytes[half - 1] += snapshot.size[node];
      kind.sizes.set(holder, (kind.sizes.get(holder) || 0) + snapshot.size[node]);
      if (holder === node) {
        kind.count[half - 1]++;
        if (half === 1) kind.nodes.push(node);
      }
    }
    const weight = ({ bytes: [first, second] }) => Math.min(first, second);
    const kinds = [...found.values()].sort((a, b) => weight(b) - weight(a));
    for (const kind of kinds) {
      const [largest, size] = [...kind.sizes].reduce((a, b) => (b[1] > a[1] ? b : a), [-1, 0]);
      kind.largest = size;
      const text = largest >= 0 && kind.name === 'string' ? snapshot.nameOf(largest) : '';
      kind.example = text && JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
      kind.grown = largest;
    }
    return kinds;
  }

  // Memory outside of the heap: its growth, and by which statements it came.
  measureStatements() {
    const { snapshot } = this;
    const ranges = [];
    for (const statement of this.input.statements) {
      [statement.heap, statement.outside] = [0, 0];
      for (const [from, to] of statement.ranges) ranges.push({ from, to, statement });
    }
    ranges.sort((a, b) => a.from - b.from);
    const statementOf = (id) => {
      let [low, high] = [0, ranges.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (ranges[middle].from < id) low = middle + 1;
        else high = middle;
      }
      const range = ranges[low - 1];
      return range && id <= range.to ? range.statement : null;
    };
    const outside = { bytes: [0, 0], blocks: [0, 0] };
    for (let node = 0; node < snapshot.count; node++) {
      const native = snapshot.typeOf(node) === 'native';
      const half = native && snapshot.size[node] > 0 ? this.madeIn(node) : 0;
      if (half > 0) {
        outside.bytes[half - 1] += snapshot.size[node];
        outside.blocks[half - 1]++;
      }
      const numbered = native ? this.holders[node] : node;
      // What V8 compiles is its own.
      const compiled = ['code', 'object shape'].includes(snapshot.typeOf(node));
      const statement = numbered >= 0 && !compiled && statementOf(snapshot.id[numbered]);
      if (statement) statement[native ? 'outside' : 'heap'] += snapshot.size[node];
    }
    for (const statement of this.input.statements) {
      const times = statement.runs / Math.max(1, statement.ranges.length);
      statement.rate = statement.heap * times;
      statement.outsideRate = statement.outside * times;
    }
    return outside;
  }

  // Who keeps it ----------------------------------------------------------------------------------

  fileOf(node) {
    const place = this.snapshot.places.get(node);
    return place ? this.input.scripts[place.script] || '' : '';
  }

  edgeTo(from, name) {
    const { snapshot } = this;
    for (let edge = snapshot.first[from]; edge < snapshot.first[from + 1]; edge++) {
      if (snapshot.edgeTypes[snapshot.edgeType[edge]] === 'internal' && snapshot.edgeNameOf(edge) === name) {
        return snapshot.to[edge];
      }
    }
    return -1;
  }

  isContext(node) {
    return node >= 0 && this.snapshot.nameOf(node) === 'system / Context';
  }

  // The variables of each file, and what else chains begin at: nodes with their names, by whose they are.
  roots() {
    const { snapshot } = this;
    const roots = { case: new Map(), package: new Map(), global: new Map(), language: new Map(), gc: new Map() };
    this.hidden = new Set();
    for (let node = 0; node < snapshot.count; node++) {
      if (snapshot.typeOf(node) !== 'closure' || this.madeIn(node) !== 0) continue;
      const file = this.fileOf(node);
      let context = file ? this.edgeTo(node, 'context') : -1;
      if (!this.isContext(context)) continue;
      for (let above; this.isContext((above = this.edgeTo(context, 'previous'))); ) context = above;
      const owner = this.owners.of(file);
      if (owner === 'driver') this.hidden.add(node).add(context);
      else roots[owner].set(context, this.moduleName(file, owner));
    }
    for (const context of this.hidden) for (const owner of ORDER) roots[owner].delete(context);
    for (let edge = snapshot.first[0]; edge < snapshot.first[1]; edge++) {
      const to = snapshot.to[edge];
      if (snapshot.edgeTypes[snapshot.edgeType[edge]] === 'shortcut') roots.global.set(to, 'global');
      else roots.gc.set(to, 'GC root');
    }
    return roots;
  }

  moduleName(file, owner) {
    if (file === this.input.given.name) return 'the case';
    if (owner === 'language') return `module ${file}`;
    const from = owner === 'package' ? file.lastIndexOf('node_modules') + 'node_modules/'.length : 0;
    return `module ${from > 0 ? file.slice(from) : path.basename(file)}`;
  }

  cost(from, edge) {
    const { snapshot } = this;
    const type = snapshot.edgeTypes[snapshot.edgeType[edge]];
    if (type === 'property') return ROUNDABOUT.has(snapshot.edgeNameOf(edge)) ? 30 : 2;
    if (type === 'element' || type === 'context' || type === 'shortcut') return 2;
    const name = type === 'internal' ? snapshot.edgeNameOf(edge) : '';
    // What a key of a WeakMap keeps is most often kept by a name, too.
    if (name.endsWith(')') && name.includes('pair in WeakMap')) return 10;
    return ['elements', 'properties', 'table', 'context', 'backing_store'].includes(name) ? 1 : 5;
  }

  // The nearest ways from the roots to all nodes, by the edge that leads to each.
  ways() {
    const { snapshot } = this;
    const distance = new Uint32Array(snapshot.count).fill(0xffffffff);
    this.edgeInto = new Int32Array(snapshot.count).fill(-1);
    this.above = new Int32Array(snapshot.count).fill(-1);
    this.rootNames = new Map();
    const queue = [];
    const reach = (node, far) => {
      distance[node] = far;
      (queue[far] = queue[far] || []).push(node);
    };
    const roots = this.roots();
    for (const owner of ORDER) {
      for (const [node, name] of roots[owner]) {
        if (distance[node] <= FAR[owner]) continue;
        this.rootNames.set(node, name);
        reach(node, FAR[owner]);
      }
    }
    for (let far = 0; far < queue.length; far++) {
      for (const node of queue[far] || []) {
        if (distance[node] !== far) continue;
        for (let edge = snapshot.first[node]; edge < snapshot.first[node + 1]; edge++) {
          const to = snapshot.to[edge];
          const next = far + this.cost(node, edge);
          if (next >= distance[to] || this.hidden.has(to) || !snapshot.keeps(node, edge)) continue;
          this.edgeInto[to] = edge;
          this.above[to] = node;
          reach(to, next);
        }
      }
      queue[far] = undefined;
    }
  }

  chains(kinds) {
    this.ways();
    const told = [];
    const plainText = (kind) => ['string', 'number', 'symbol', 'bigint'].includes(kind.name);
    const grows = (kind) => Math.min(...kind.bytes) > 0 && kind.nodes.length > 0;
    const objects = kinds.filter((kind) => grows(kind) && !plainText(kind));
    // Text alone is told where it is more than what the tracer itself writes.
    const [from, , to] = this.input.window;
    const much = (kind) => grows(kind) && Math.min(...kind.bytes) * 2 > TEXT * (to - from);
    const chosen = objects.length > 0 ? objects : kinds.filter(much);
    const groups = chosen.slice(0, GROUPS).map(({ nodes }) => {
      const step = Math.max(1, Math.floor(nodes.length / SAMPLES));
      return nodes.filter((_, at) => at % step === 0).slice(0, SAMPLES);
    });
    // A container of plain numbers holds no objects: it is itself what grows.
    const all = ({ bytes }) => bytes[0] + bytes[1];
    const [first] = kinds.filter((kind) => all(kind) > TEXT * (to - from)).sort((a, b) => all(b) - all(a));
    if (groups.length === 0 && first && first.grown >= 0) groups.push([first.grown]);
    for (const group of groups) {
      const found = new Map();
      for (const node of group) {
        const chain = this.chain(node);
        // What the tracer keeps is not the case's.
        if (!chain || chain.root === 'GC root: the stack') continue;
        const key = JSON.stringify([chain.root, chain.links.map(step)]);
        if (!found.has(key)) found.set(key, { ...chain, held: 0, sampled: group.length });
        found.get(key).held++;
      }
      told.push(...[...found.values()].sort((a, b) => b.held - a.held).slice(0, WAYS));
    }
    return told;
  }

  chain(node) {
    const { snapshot } = this;
    const way = [node];
    while (!this.rootNames.has(way[0])) {
      const above = this.above[way[0]];
      if (above < 0) return null;
      way.unshift(above);
    }
    let [links, old] = [[], []];
    let root = this.rootNames.get(way[0]);
    if (root === 'GC root') root = `GC root: ${gcRoot(way.map((one) => snapshot.nameOf(one)))}`;
    let waiting = '';
    for (let at = 1; at < way.length; at++) {
      const by = this.by(way, at);
      if (!snapshot.isShown(way[at])) {
        waiting = by || waiting;
        continue;
      }
      links.push(this.link(by || waiting || 'a reference', way[at]));
      old.push(this.madeIn(way[at]) === 0);
      waiting = '';
    }
    const before = old.includes(false) ? old.indexOf(false) : old.length;
    const chain = shortened({ root, links, holder: Math.max(0, before - 1) });
    if (chain.links.length > LONGEST) {
      const [head, tail] = [chain.links.slice(0, LONGEST - 4), chain.links.slice(-3)];
      chain.links = [...head, more(chain.links.length - head.length - tail.length), ...tail];
      chain.holder = Math.min(chain.holder, head.length - 1);
    }
    return chain;
  }

  // By what name one node of a way leads to the next; nothing where the one before says more.
  by(way, at) {
    const { snapshot } = this;
    const [from, edge] = [way[at - 1], this.edgeInto[way[at]]];
    const [type, name] = [snapshot.edgeTypes[snapshot.edgeType[edge]], snapshot.edgeNameOf(edge)];
    if (type === 'context') return at === 1 ? `.${name}` : `variable ${name}`;
    if (type === 'property') return this.entries(from) > MANY ? `[${quoted(name)}]` : property(name);
    if (type === 'shortcut') return property(name);
    if (type === 'element') return snapshot.typeOf(from) === 'synthetic' ? '' : `[${name}]`;
    const table = at > 1 && snapshot.edgeNameOf(this.edgeInto[from]) === 'table' ? way[at - 2] : -1;
    if (table >= 0) return this.entry(from, Number(name), snapshot.nameOf(table), way[at]);
    if (at > 1 && snapshot.edgeNameOf(this.edgeInto[from]) === 'properties') return 'a key';
    if (String(name).includes('pair in WeakMap')) return 'its value in a WeakMap';
    return WORDS[name] || '';
  }

  // Named properties; many of them make an object a table.
  entries(node) {
    const { snapshot } = this;
    let found = 0;
    for (let edge = snapshot.first[node]; edge < snapshot.first[node + 1]; edge++) {
      if (snapshot.edgeTypes[snapshot.edgeType[edge]] === 'property') found++;
    }
    return found;
  }

  // An entry of a Map or a Set: `number` counts from the table's own beginning.
  entry(table, number, kind, node) {
    const { snapshot } = this;
    if (!kind.endsWith('Map')) return 'an element';
    const { wide, first } = this.layout(table, kind);
    if ((number - first) % wide === 0) return 'a key';
    for (let edge = snapshot.first[table]; edge < snapshot.first[table + 1]; edge++) {
      if (Number(snapshot.edgeNameOf(edge)) !== number - 1 || snapshot.to[edge] === node) continue;
      const key = snapshot.to[edge];
      const type = snapshot.typeOf(key);
      return type.endsWith('string') ? `[${quoted(snapshot.nameOf(key))}]` : `[${this.article(this.kindOf(key))}]`;
    }
    return '[a number]';
  }

  // The table of a Map or a Set: a header, three counters, the buckets, then key, value and next of each entry;
  // there are two entries a bucket.
  layout(table, kind) {
    const wide = kind.endsWith('Map') ? 3 : 2;
    const words = this.snapshot.size[table] / 8 - 2 - 3;
    return { wide, first: 3 + Math.floor(words / (1 + 2 * wide)) };
  }

  article(kind) {
    return /^[AEIOU]/.test(kind) ? `an ${kind}` : `a ${kind}`;
  }

  link(by, node) {
    const place = this.snapshot.places.get(node);
    const file = this.fileOf(node);
    const closure = this.snapshot.typeOf(node) === 'closure' && file !== '';
    const told = closure ? this.owners.place(file, place.line, this.snapshot.nameOf(node)) : null;
    return { by, kind: this.kindOf(node), len: this.length(node), place: told };
  }

  length(node) {
    const { snapshot } = this;
    const kind = snapshot.typeOf(node) === 'object' ? snapshot.nameOf(node) : '';
    const edges = (from, wanted) => {
      let found = 0;
      for (let edge = snapshot.first[from]; edge < snapshot.first[from + 1]; edge++) {
        if (wanted(snapshot.edgeTypes[snapshot.edgeType[edge]], edge)) found++;
      }
      return found;
    };
    if (kind === 'Array') {
      const elements = this.edgeTo(node, 'elements');
      const held = edges(node, (type) => type === 'element');
      // Small numbers are no objects: of them there are as many as have room.
      return held > 0 || elements < 0 ? held : null;
    }
    if (kind === 'Object' && this.entries(node) > MANY) return this.entries(node);
    const table = kind === 'Map' || kind === 'Set' ? this.edgeTo(node, 'table') : -1;
    if (table < 0) return null;
    const { wide, first } = this.layout(table, kind);
    const entries = new Set();
    edges(table, (_, edge) => {
      const number = Number(snapshot.edgeNameOf(edge));
      const empty = snapshot.nameOf(snapshot.to[edge]) === 'system / Oddball';
      if (number >= first && !empty) entries.add(Math.floor((number - first) / wide));
    });
    return entries.size;
  }
}

// A link without its number: one element of a list is like another.
function step({ by, kind }) {
  return [by.startsWith('[') ? '[]' : by, kind.replace(/^… .*/, '…')].join(' ');
}

function more(count) {
  return { by: '', kind: `… ${count} more`, len: null, place: null };
}

// A list that is linked has as many steps as it has nodes: the first and the last are told, and what it hangs on
// is the holder.
function shortened({ root, links, holder }) {
  const told = [];
  let holds = holder;
  for (let from = 0, to; from < links.length; from = to) {
    to = from + 1;
    while (to < links.length && step(links[to]) === step(links[from])) to++;
    const run = links.slice(from, to);
    if (holder >= from && holder < to) {
      holds = run.length > 3 ? Math.max(0, told.length - 1) : told.length + holder - from;
    }
    told.push(...(run.length > 3 ? [run[0], more(run.length - 2), run.at(-1)] : run));
  }
  return { root, links: told, holder: holds };
}

function quoted(text) {
  const shown = text.length > 40 ? `${text.slice(0, 39)}…` : text;
  return `'${shown}'`;
}

function property(name) {
  if (/^[A-Za-z_$#][\w$]*$/.test(name)) return `.${name}`;
  const symbol = /^<symbol (.*)>$/.exec(name);
  return symbol ? `[${symbol[1]}]` : `[${quoted(String(name))}]`;
}

function gcRoot(names) {
  const known = {
    '(Global handles)': 'native handle',
    '(Traced handles)': 'native handle',
    '(Eternal handles)': 'native handle',
    '(Handle scope)': 'native code that runs',
    '(Stack roots)': 'the stack',
  };
  const name = names.find((one) => known[one]);
  const native = names.find((one) => one.startsWith('Node / '));
  return known[name] || native || 'the runtime';
}

// All of it ---------------------------------------------------------------------------------------

function main(file) {
  const input = JSON.parse(fs.readFileSync(file, 'utf8'));
  const end = new End(input);
  const outside = end.measureStatements();
  const sites = new Sites(input, end.owners);
  const found = sites.grown();
  const whole = input.statements.reduce((sum, { outsideRate }) => sum + outsideRate, 0);
  for (const statement of input.statements) {
    if (statement.outsideRate <= 0) continue;
    const part = (halves) => halves.map((value) => (value * statement.outsideRate) / whole);
    found.push({ bytes: part(outside.bytes), blocks: part(outside.blocks), stack: sites.placesOf(statement) });
  }
  const weight = ({ bytes: [first, second] }) => Math.min(first, second);
  found.sort((a, b) => weight(b) - weight(a));
  const round = ([a, b]) => [Math.round(a), Math.round(b)];
  const kinds = end.kinds();
  const told = {
    tracer: 'the heap profile and snapshots of V8',
    from: input.window[0],
    to: input.window[2],
    sites: found.slice(0, SITES).map(({ bytes, blocks, stack }) => ({
      bytes: round(bytes),
      blocks: round(blocks),
      stack,
    })),
    kinds: kinds
      .slice(0, KINDS)
      .map(({ name, count, bytes, largest, example }) => ({ name, count, bytes, largest, example })),
    chains: end.chains(kinds),
    notes: [],
  };
  fs.writeFileSync(input.findings, JSON.stringify(told));
}

main(process.argv[2]);
