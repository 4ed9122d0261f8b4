// Who keeps what survived: the shortest retaining path of each, from the roots on.
'use strict';

const path = require('path');
const { Links, more, shortened, step } = require('./links.cjs');

const [GROUPS, SAMPLES, WAYS, LONGEST] = [6, 12, 3, 14];
// Bytes an iteration in texts, from which on they are looked for.
const TEXT = 8;
const ORDER = ['case', 'package', 'global', 'language', 'gc'];
// How far each kind of root is: the way of a variable of the case is told before one that node itself has.
const FAR = { case: 0, package: 8, global: 12, language: 16, gc: 40 };
const ROUNDABOUT = new Set(['__proto__', 'constructor', 'prototype']);
const GC_ROOTS = {
  '(Global handles)': 'native handle',
  '(Traced handles)': 'native handle',
  '(Eternal handles)': 'native handle',
  '(Handle scope)': 'native code that runs',
  '(Stack roots)': 'the stack',
};

class Retainers {
  constructor(input, survivors) {
    const { snapshot, owners } = survivors;
    [this.input, this.survivors, this.snapshot, this.owners] = [input, survivors, snapshot, owners];
    this.links = new Links(snapshot, owners);
    this.measureDistances();
  }

  isContext(node) {
    return node >= 0 && this.snapshot.nameOf(node) === 'system / Context';
  }

  // The variables of each file, and what else chains begin at: nodes with their names, by whose they are.
  roots() {
    const { snapshot } = this;
    const roots = { case: new Map(), package: new Map(), global: new Map(), language: new Map(), gc: new Map() };
    this.hidden = new Set();
    for (let node = 0; node < snapshot.nodeCount; node++) {
      if (snapshot.typeOf(node) !== 'closure' || this.survivors.madeIn(node) !== 0) continue;
      const file = this.owners.fileOf(snapshot.locations.get(node));
      let context = file ? snapshot.internal(node, 'context') : -1;
      if (!this.isContext(context)) continue;
      for (let above; this.isContext((above = snapshot.internal(context, 'previous'))); ) context = above;
      const owner = this.owners.of(file);
      if (owner === 'driver') this.hidden.add(node).add(context);
      else roots[owner].set(context, this.moduleName(file, owner));
    }
    for (const context of this.hidden) for (const owner of ORDER) roots[owner].delete(context);
    for (let edge = snapshot.firstEdge[0]; edge < snapshot.firstEdge[1]; edge++) {
      const to = snapshot.toNode[edge];
      if (snapshot.edgeTypeOf(edge) === 'shortcut') roots.global.set(to, 'global');
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
    const type = snapshot.edgeTypeOf(edge);
    if (type === 'property') return ROUNDABOUT.has(snapshot.edgeNameOf(edge)) ? 30 : 2;
    if (type === 'element' || type === 'context' || type === 'shortcut') return 2;
    const name = type === 'internal' ? snapshot.edgeNameOf(edge) : '';
    // What a key of a WeakMap keeps is most often kept by a name, too.
    if (name.endsWith(')') && name.includes('pair in WeakMap')) return 10;
    return ['elements', 'properties', 'table', 'context', 'backing_store'].includes(name) ? 1 : 5;
  }

  // The nearest paths from the roots to all nodes: the retainer of each, and the edge by which it retains it.
  measureDistances() {
    const { snapshot } = this;
    const distance = new Uint32Array(snapshot.nodeCount).fill(0xffffffff);
    this.retainingEdge = new Int32Array(snapshot.nodeCount).fill(-1);
    this.retainer = new Int32Array(snapshot.nodeCount).fill(-1);
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
        for (let edge = snapshot.firstEdge[node]; edge < snapshot.firstEdge[node + 1]; edge++) {
          const to = snapshot.toNode[edge];
          const next = far + this.cost(node, edge);
          if (next >= distance[to] || this.hidden.has(to) || !snapshot.retains(node, edge)) continue;
          this.retainingEdge[to] = edge;
          this.retainer[to] = node;
          reach(to, next);
        }
      }
      queue[far] = undefined;
    }
  }

  chains(kinds) {
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

  // The nodes from a root to this one, and the edge that leads to each; none where nothing leads to it.
  path(node) {
    const nodes = [node];
    for (let at = node; !this.rootNames.has(at); ) {
      at = this.retainer[at];
      if (at < 0) return null;
      nodes.push(at);
    }
    nodes.reverse();
    return { nodes, edges: nodes.map((one) => this.retainingEdge[one]) };
  }

  chain(node) {
    const { snapshot } = this;
    const way = this.path(node);
    if (!way) return null;
    let [links, old] = [[], []];
    let root = this.rootNames.get(way.nodes[0]);
    if (root === 'GC root') root = `GC root: ${gcRoot(way.nodes.map((one) => snapshot.nameOf(one)))}`;
    let waiting = '';
    for (let at = 1; at < way.nodes.length; at++) {
      const by = this.links.by(way, at);
      const step = way.nodes[at];
      if (!snapshot.isShown(step)) {
        waiting = by || waiting;
        continue;
      }
      links.push(this.links.link(by || waiting || 'a reference', step));
      old.push(this.survivors.madeIn(step) === 0);
      waiting = '';
    }
    const before = old.includes(false) ? old.indexOf(false) : old.length;
    return bounded(shortened({ root, links, holder: Math.max(0, before - 1) }));
  }
}

function bounded(chain) {
  const { links, holder } = chain;
  if (links.length <= LONGEST) return chain;
  const [head, tail] = [links.slice(0, LONGEST - 4), links.slice(-3)];
  const told = [...head, more(links.length - head.length - tail.length), ...tail];
  return { ...chain, links: told, holder: Math.min(holder, head.length - 1) };
}

function gcRoot(names) {
  const name = names.find((one) => GC_ROOTS[one]);
  const native = names.find((one) => one.startsWith('Node / '));
  return GC_ROOTS[name] || native || 'the runtime';
}

module.exports = { Retainers };
