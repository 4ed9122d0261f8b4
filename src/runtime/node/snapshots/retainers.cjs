// Who keeps what survived: the shortest retaining path of each, from the roots on.
'use strict';

const { Links, more, shortened, step } = require('./links.cjs');

const [GROUPS, SAMPLES, WAYS, LONGEST] = [6, 12, 3, 14];
// Bytes an iteration in texts, from which on they are looked for.
const TEXT = 8;
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
    this.ways = survivors.ways;
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

  chain(node) {
    const { snapshot } = this;
    const way = this.ways.path(node);
    if (!way) return null;
    let [links, old] = [[], []];
    let root = this.ways.rootNames.get(way.nodes[0]);
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
