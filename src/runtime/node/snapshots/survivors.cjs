// What was made within the window and is there at its end.
'use strict';

const { className } = require('./links.cjs');
const { Owners } = require('./owners.cjs');
const { Replaced } = require('./replaced.cjs');
const { Snapshot, lastId } = require('./snapshot.cjs');
const { Ranges } = require('./statements.cjs');
const { Ways } = require('./ways.cjs');

class Survivors {
  constructor(input) {
    this.snapshot = new Snapshot(input.snapshots[2]);
    [this.begin, this.half] = input.snapshots.slice(0, 2).map(lastId);
    this.input = input;
    this.owners = new Owners(input);
    const stays = (node) => this.snapshot.id[node] % 2 === 1 && this.madeIn(node) === 0;
    this.ways = new Ways(input, this.snapshot, this.owners, stays);
    this.ranges = new Ranges(input.statements);
    this.replaced = new Replaced(input, this.ways, this.ranges);
    this.holders = this.inside();
  }

  // 0 for what is older than the window, else the half in which it was made.
  madeIn(node) {
    const id = this.snapshot.id[node];
    if (id % 2 === 0 || id <= this.begin) return 0;
    return id <= this.half ? 1 : 2;
  }

  // For each thing that is inside of an object (elements, tables, variables, memory of a buffer): which object.
  inside() {
    const { snapshot } = this;
    const holders = new Int32Array(snapshot.nodeCount).fill(-1);
    for (let node = 0; node < snapshot.nodeCount; node++) {
      if (!snapshot.isShown(node)) continue;
      const stack = [node];
      while (stack.length > 0) {
        const from = stack.pop();
        for (let edge = snapshot.firstEdge[from]; edge < snapshot.firstEdge[from + 1]; edge++) {
          const to = snapshot.toNode[edge];
          if (holders[to] >= 0 || snapshot.isShown(to) || !snapshot.retains(from, edge)) continue;
          holders[to] = node;
          stack.push(to);
        }
      }
    }
    return holders;
  }

  kinds() {
    const { snapshot } = this;
    const found = new Map();
    for (let node = 0; node < snapshot.nodeCount; node++) {
      const half = this.madeIn(node);
      const holder = snapshot.isShown(node) ? node : this.holders[node];
      // What no root leads to is kept by V8 or by the tracer, for their own ends.
      if (half === 0 || holder < 0 || this.ways.retainer[holder] < 0) continue;
      // What is left of it, once what it replaces is set off.
      const part = 1 - this.replaced.part(node);
      if (part === 0) continue;
      const name = className(snapshot, holder);
      const kind = found.get(name) || { name, count: [0, 0], bytes: [0, 0], sizes: new Map(), nodes: [] };
      found.set(name, kind);
      kind.bytes[half - 1] += part * snapshot.selfSize[node];
      kind.sizes.set(holder, (kind.sizes.get(holder) || 0) + snapshot.selfSize[node]);
      if (holder === node) {
        kind.count[half - 1] += part;
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
}

module.exports = { Survivors };
