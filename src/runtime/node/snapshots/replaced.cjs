// What is new, and has only taken the place of what was there before the window: in a ring or a cache that is full.
'use strict';

const { Snapshot } = require('./snapshot.cjs');
const { MANY } = require('./links.cjs');
const { Ways } = require('./ways.cjs');

// A part of what is new that is smaller, and one of what is left that is, is not told apart.
const SMALL = 0.1;

// For each node the holder that it has in both snapshots: the nearest above that stays.
class Holders {
  constructor(ways) {
    this.ways = ways;
    this.known = new Map();
  }

  of(node) {
    const { retainer, stays } = this.ways;
    const way = [];
    let holder = this.known.get(node);
    for (let at = node; holder === undefined; at = retainer[at]) {
      way.push(at);
      const above = retainer[at];
      if (above < 0) holder = '';
      else holder = stays(above) ? this.name(at) : this.known.get(above);
    }
    for (const one of way) this.known.set(one, holder);
    return holder;
  }

  // The same name in both snapshots, of what keeps a node; of variables each has its own.
  name(node) {
    const { snapshot, retainer } = this.ways;
    let below = node;
    // A list that is linked is held by what holds its first node, whichever of its nodes stay.
    if (this.isLinked(below)) {
      const by = this.edgeTo(node);
      do below = retainer[below];
      while (this.isLinked(below) && this.edgeTo(below) === by);
    }
    const above = retainer[below];
    if (above < 0) return '';
    return `${snapshot.id[above]}:${this.ways.isContext(above) ? this.edgeTo(below) : ''}`;
  }

  edgeTo(node) {
    return this.ways.snapshot.edgeNameOf(this.ways.retainingEdge[node]);
  }

  isLinked(node) {
    const { snapshot, retainer, retainingEdge } = this.ways;
    const above = retainer[node];
    if (above < 0 || snapshot.edgeTypeOf(retainingEdge[node]) !== 'property') return false;
    const alike = snapshot.isShown(node) && snapshot.name[above] === snapshot.name[node];
    return alike && snapshot.count(above, 'property') <= MANY;
  }

  // Bytes of the nodes that do not stay, by holder: on the heap and outside of it.
  passing() {
    const { snapshot, stays, retainer } = this.ways;
    const bytes = new Map();
    for (let node = 0; node < snapshot.nodeCount; node++) {
      // The even numbers say nothing of time.
      const passes = snapshot.id[node] % 2 === 1 && !stays(node) && !snapshot.isCompiled(node);
      if (!passes || retainer[node] < 0) continue;
      const sums = entry(bytes, this.of(node), () => [0, 0]);
      sums[snapshot.typeOf(node) === 'native' ? 1 : 0] += snapshot.selfSize[node];
    }
    return bytes;
  }

  // The nearest of those in `parts`; none where nothing came to any of them.
  nearest(node, parts) {
    const { retainer } = this.ways;
    for (let at = node; at >= 0; at = retainer[at]) {
      const holder = this.of(at);
      if (parts.has(holder)) return holder;
    }
    return null;
  }
}

class Replaced {
  // `ways` are those of the last snapshot.
  constructor(input, ways, ranges) {
    const { snapshot } = ways;
    const last = new Set(snapshot.id);
    this.holders = new Holders(ways);
    this.fresh = this.holders.passing();
    const begin = holdersAtBegin(input, ways.owners, last);
    const gone = begin.passing();
    this.parts = new Map();
    let [all, replacing] = [0, 0];
    for (const [holder, bytes] of this.fresh) {
      const part = Math.min(1, sum(gone.get(holder) || [0]) / sum(bytes));
      this.parts.set(holder, part < SMALL ? 0 : part > 1 - SMALL ? 1 : part);
      all += sum(bytes);
      replacing += sum(bytes) * this.parts.get(holder);
    }
    // A table that was made larger replaces a smaller one, too.
    if (replacing < SMALL * all) this.parts.clear();
    this.sizes = this.bySize();
    if (this.parts.size > 0) this.putDown(begin, ranges);
  }

  // Puts what replaces others down to the statements that had put something into the same holder when the window began.
  putDown(begin, ranges) {
    const { snapshot } = begin.ways;
    const makers = new Map();
    for (let node = 0; node < snapshot.nodeCount; node++) {
      const range = ranges.of(snapshot.id[node]);
      const holder = range && !snapshot.isCompiled(node) ? begin.nearest(node, this.parts) : null;
      if (holder === null || this.parts.get(holder) === 0) continue;
      const weights = entry(makers, holder, () => new Map());
      weights.set(range.statement, (weights.get(range.statement) || 0) + snapshot.selfSize[node] * range.times);
    }
    for (const [holder, weights] of makers) {
      const whole = sum([...weights.values()]);
      for (const [statement, weight] of weights) {
        const [heap, outside] = this.fresh.get(holder).map((bytes) => bytes * this.parts.get(holder) * (weight / whole));
        statement.heap.replacing += heap;
        statement.outside.replacing += outside;
      }
    }
  }

  // The part of a node that makes up for what is gone, from 0 to 1: that of the nearest holder to which something came.
  part(node) {
    const holder = this.holders.nearest(node, this.parts);
    return holder === null ? 0 : this.parts.get(holder);
  }

  // The part of each size of objects, for what is known by its size alone. An array is allocated with its elements.
  bySize() {
    const { snapshot, stays, retainer } = this.holders.ways;
    const sizes = new Map();
    for (let node = 0; node < snapshot.nodeCount && this.parts.size > 0; node++) {
      if (retainer[node] < 0 || stays(node)) continue;
      const elements = snapshot.internal(node, 'elements');
      for (const more of elements < 0 ? [0] : [0, snapshot.selfSize[elements]]) {
        const known = entry(sizes, snapshot.selfSize[node] + more, () => [0, 0]);
        known[0]++;
        known[1] += this.part(node);
      }
    }
    return sizes;
  }

  partOfSize(size) {
    const [count, parts] = this.sizes.get(size) || [1, 0];
    return parts / count;
  }
}

// What was there when the window began: what does not stay is gone.
function holdersAtBegin(input, owners, last) {
  const snapshot = new Snapshot(input.snapshots[0]);
  const stays = (node) => snapshot.id[node] % 2 === 1 && last.has(snapshot.id[node]);
  return new Holders(new Ways(input, snapshot, owners, stays));
}

function entry(map, key, make) {
  if (!map.has(key)) map.set(key, make());
  return map.get(key);
}

function sum(values) {
  return values.reduce((all, value) => all + value, 0);
}

module.exports = { Replaced };
