// The nearest way from a root to each object of a snapshot.
'use strict';

const path = require('path');

const ORDER = ['case', 'package', 'global', 'language', 'gc'];
// How far each kind of root is: the way of a variable of the case is told before one that node itself has.
const FAR = { case: 0, package: 8, global: 12, language: 16, gc: 40 };
const ROUNDABOUT = new Set(['__proto__', 'constructor', 'prototype']);

class Ways {
  // `stays` tells whether a node is in another snapshot, too.
  constructor(input, snapshot, owners, stays) {
    Object.assign(this, { input, snapshot, owners, stays });
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
      if (snapshot.typeOf(node) !== 'closure' || !this.stays(node)) continue;
      const file = this.owners.fileOf(snapshot.locations.get(node));
      let context = file ? snapshot.internal(node, 'context') : -1;
      if (!this.isContext(context)) continue;
      for (let above; this.isContext((above = snapshot.internal(context, 'previous'))); ) context = above;
      const owner = this.owners.of(file);
      if (owner === 'driver') this.hidden.add(node).add(context);
      else roots[owner].set(context, this.moduleName(file, owner));
    }
    for (const context of [...this.hidden]) {
      for (const owner of ORDER) roots[owner].delete(context);
      // What an iteration waits for leads to the driver that waits for it, and on to the tracer.
      const tracer = this.variable(context, 'explain');
      if (tracer >= 0) this.hidden.add(tracer);
    }
    for (let edge = snapshot.firstEdge[0]; edge < snapshot.firstEdge[1]; edge++) {
      const to = snapshot.toNode[edge];
      if (snapshot.edgeTypeOf(edge) === 'shortcut') roots.global.set(to, 'global');
      else roots.gc.set(to, 'GC root');
    }
    return roots;
  }

  variable(context, name) {
    const { snapshot } = this;
    for (let edge = snapshot.firstEdge[context]; edge < snapshot.firstEdge[context + 1]; edge++) {
      if (snapshot.edgeTypeOf(edge) === 'context' && snapshot.edgeNameOf(edge) === name) return snapshot.toNode[edge];
    }
    return -1;
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
}

module.exports = { Ways };
