// What of each statement stays: its objects are known by their numbers.
'use strict';

// What a statement leaves, on the heap or outside of it.
class Share {
  constructor() {
    // What stays, by the iteration; and bytes of all of the window that make up for what is gone.
    [this.bytes, this.blocks, this.replacing] = [0, 0, 0];
    // The times that it was gone through and left something.
    this.seen = new Set();
  }

  add(bytes, { part, range }) {
    const stays = (1 - part) * range.times;
    this.bytes += bytes * stays;
    this.blocks += stays;
    if (part < 1) this.seen.add(range);
  }

  // How many blocks there can be in so many iterations; none is known of what leaves something now and then.
  most({ ranges, runs }, iterations) {
    return 2 * this.seen.size * runs > ranges.length ? this.blocks * iterations : Infinity;
  }
}

// The numbers that each statement has made.
class Ranges {
  constructor(statements) {
    this.all = [];
    for (const statement of statements) {
      [statement.heap, statement.outside] = [new Share(), new Share()];
      const times = statement.runs / statement.ranges.length;
      for (const [from, to] of statement.ranges) this.all.push({ from, to, statement, times });
    }
    this.all.sort((a, b) => a.from - b.from);
  }

  of(id) {
    let [low, high] = [0, this.all.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.all[middle].from < id) low = middle + 1;
      else high = middle;
    }
    const range = this.all[low - 1];
    return range && id <= range.to ? range : null;
  }
}

// Puts what stays down to the statements; tells the growth outside of the heap.
function measureStatements(survivors) {
  const { snapshot, ways, replaced, ranges } = survivors;
  const outside = [0, 0];
  for (let node = 0; node < snapshot.nodeCount; node++) {
    const native = snapshot.typeOf(node) === 'native';
    const size = snapshot.selfSize[node];
    const half = native && size > 0 ? survivors.madeIn(node) : 0;
    if (half > 0) outside[half - 1] += size;
    const numbered = native ? survivors.holders[node] : node;
    // What no root leads to is kept by V8 for its own ends.
    if (numbered < 0 || ways.retainer[numbered] < 0 || snapshot.isCompiled(node)) continue;
    const range = ranges.of(snapshot.id[numbered]);
    if (range) range.statement[native ? 'outside' : 'heap'].add(size, { part: replaced.part(node), range });
  }
  return outside;
}

// Divides what grew among statements by their `heap` or `outside`; of it `replaced` bytes make up for others.
function divided(statements, of, { bytes, blocks, replaced }) {
  const all = bytes[0] + bytes[1];
  const parts = [];
  const divide = (part, name) => {
    const whole = statements.reduce((sum, statement) => sum + statement[of][name], 0);
    for (const statement of statements) {
      const own = whole > 0 ? (part * statement[of][name]) / whole : 0;
      const some = (halves) => halves.map((half) => half * own);
      if (own > 0) parts.push({ bytes: some(bytes), blocks: some(blocks), statement, replaces: name === 'replacing' });
    }
    return whole > 0;
  };
  const part = all > 0 ? Math.min(1, replaced / all) : 0;
  divide(part, 'replacing');
  // What the numbers tell nothing of is as most of the rest.
  if (!divide(1 - part, 'bytes') && 2 * part > 1) divide(1 - part, 'replacing');
  return parts;
}

module.exports = { Ranges, divided, measureStatements };
