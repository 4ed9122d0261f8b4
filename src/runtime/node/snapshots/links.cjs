// How the steps of a retaining path are told.
'use strict';

// Properties from which on an object is a table.
const MANY = 50;
const WORDS = {
  reactions_or_result: 'what waits for it',
  parameters_and_registers: 'a local variable',
  buffer: '.buffer',
  bound_this: 'its bound `this`',
  bound_function: 'what it binds',
  bound_argument: 'a bound argument',
};

class Links {
  constructor(snapshot, owners) {
    this.snapshot = snapshot;
    this.owners = owners;
  }

  // By what name one node of a path leads to the next; nothing where the one before says more.
  by({ nodes, edges }, at) {
    const { snapshot } = this;
    const [from, edge] = [nodes[at - 1], edges[at]];
    const [type, name] = [snapshot.edgeTypeOf(edge), snapshot.edgeNameOf(edge)];
    if (type === 'context') return at === 1 ? `.${name}` : `variable ${name}`;
    if (type === 'property') return this.isTable(from) ? `[${quoted(name)}]` : property(name);
    if (type === 'shortcut') return property(name);
    if (type === 'element') return snapshot.typeOf(from) === 'synthetic' ? '' : `[${name}]`;
    const table = at > 1 && snapshot.edgeNameOf(edges[at - 1]) === 'table' ? nodes[at - 2] : -1;
    if (table >= 0) return this.entry(from, Number(name), snapshot.nameOf(table), nodes[at]);
    if (at > 1 && snapshot.edgeNameOf(edges[at - 1]) === 'properties') return 'a key';
    if (String(name).includes('pair in WeakMap')) return 'its value in a WeakMap';
    return WORDS[name] || '';
  }

  isTable(node) {
    return this.snapshot.count(node, 'property') > MANY;
  }

  // An entry of a Map or a Set: `number` counts from the table's own beginning.
  entry(table, number, kind, node) {
    const { snapshot } = this;
    if (!kind.endsWith('Map')) return 'an element';
    const { wide, first } = this.layout(table, kind);
    if ((number - first) % wide === 0) return 'a key';
    for (let edge = snapshot.firstEdge[table]; edge < snapshot.firstEdge[table + 1]; edge++) {
      if (Number(snapshot.edgeNameOf(edge)) !== number - 1 || snapshot.toNode[edge] === node) continue;
      const key = snapshot.toNode[edge];
      const type = snapshot.typeOf(key);
      return type.endsWith('string') ? `[${quoted(snapshot.nameOf(key))}]` : `[${article(className(snapshot, key))}]`;
    }
    return '[a number]';
  }

  // The table of a Map or a Set: a header, three counters, the buckets, then key, value and next of each entry;
  // there are two entries a bucket.
  layout(table, kind) {
    const wide = kind.endsWith('Map') ? 3 : 2;
    const words = this.snapshot.selfSize[table] / 8 - 2 - 3;
    return { wide, first: 3 + Math.floor(words / (1 + 2 * wide)) };
  }

  link(by, node) {
    const place = this.snapshot.locations.get(node);
    const file = this.owners.fileOf(place);
    const closure = this.snapshot.typeOf(node) === 'closure' && file !== '';
    const told = closure ? this.owners.place(file, place.line, this.snapshot.nameOf(node)) : null;
    return { by, kind: className(this.snapshot, node), len: this.length(node), place: told };
  }

  length(node) {
    const { snapshot } = this;
    const kind = snapshot.typeOf(node) === 'object' ? snapshot.nameOf(node) : '';
    if (kind === 'Array') {
      const elements = snapshot.internal(node, 'elements');
      const held = snapshot.count(node, 'element');
      // Small numbers are no objects: of them there are as many as have room.
      return held > 0 || elements < 0 ? held : null;
    }
    if (kind === 'Object' && this.isTable(node)) return snapshot.count(node, 'property');
    const table = kind === 'Map' || kind === 'Set' ? snapshot.internal(node, 'table') : -1;
    if (table < 0) return null;
    const { wide, first } = this.layout(table, kind);
    const entries = new Set();
    for (let edge = snapshot.firstEdge[table]; edge < snapshot.firstEdge[table + 1]; edge++) {
      const number = Number(snapshot.edgeNameOf(edge));
      const empty = snapshot.nameOf(snapshot.toNode[edge]) === 'system / Oddball';
      if (number >= first && !empty) entries.add(Math.floor((number - first) / wide));
    }
    return entries.size;
  }
}

// By what it is known: its class, or what it is for the language.
function className(snapshot, node) {
  const [type, name] = [snapshot.typeOf(node), snapshot.nameOf(node)];
  if (type === 'closure') return `function ${name || '(anonymous)'}`;
  if (type === 'object') return name || 'Object';
  if (type === 'regexp') return 'RegExp';
  return type.endsWith('string') ? 'string' : type;
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

function article(kind) {
  return /^[AEIOU]/.test(kind) ? `an ${kind}` : `a ${kind}`;
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

module.exports = { Links, MANY, className, more, shortened, step };
