// Where survivors were allocated: heap profiles, with lines where statements were gone through.
'use strict';

const fs = require('fs');
const { plain } = require('./owners.cjs');
const { divided } = require('./statements.cjs');

class Sites {
  constructor(input, { owners, replaced }) {
    [this.input, this.owners, this.replaced] = [input, owners, replaced];
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
      const sum = found.get(key) || { stack, bytes: 0, blocks: 0, replacing: 0 };
      const [bytes, blocks] = this.blocksOf.get(size) || [size, 1];
      sum.bytes += bytes;
      sum.blocks += blocks;
      sum.replacing += bytes * this.replaced.partOfSize(Math.round(bytes / blocks));
      found.set(key, sum);
    }
    return found;
  }

  // What survived of the two halves, with lines instead of functions where statements were gone through.
  grown() {
    const [half, end] = this.input.profiles.map((file) => this.read(file));
    const paths = [];
    for (const [key, last] of end) {
      const first = half.get(key) || { bytes: 0, blocks: 0 };
      const halves = (name) => [first[name], last[name] - first[name]];
      const places = last.stack.map(({ file, line, function: name }) => this.owners.place(file, line, name));
      const at = places.findIndex(({ owner }) => owner !== 'language');
      if (at >= 0 && places[at].owner === 'driver') continue;
      const own = places.findIndex(({ owner }) => owner === 'case');
      const statements = own < 0 ? [] : calling(this.statementsOf(places.slice(own)), places[own - 1]);
      paths.push({ ...last, all: last.bytes, bytes: halves('bytes'), blocks: halves('blocks'), places, own, statements });
    }
    // On how many bytes of call paths each statement is.
    const on = new Map();
    for (const { all, statements } of paths) for (const one of statements) on.set(one, (on.get(one) || 0) + all);
    const sites = paths.flatMap((path) => this.told(path, on));
    this.bound(sites);
    return sites.map(({ statement, ...site }) => site);
  }

  told({ all, bytes, blocks, replacing, places, own, statements }, on) {
    const replaced = statements.reduce((sum, one) => sum + (one.heap.replacing * all) / on.get(one), 0);
    const parts = divided(statements, 'heap', { bytes, blocks, replaced });
    if (parts.length > 0) {
      const above = places.slice(0, own);
      return parts.map((part) => ({ ...part, stack: [...above, ...this.placesOf(part.statement)] }));
    }
    const stack = places.map((place) => this.inRun(place));
    const some = (part, replaces) => {
      const of = (halves) => halves.map((half) => half * part);
      return { bytes: of(bytes), blocks: of(blocks), stack, replaces };
    };
    return [some(1 - replacing / all, false), some(replacing / all, true)].filter((one) => one.bytes.some(Boolean));
  }

  // An iteration has so many blocks of a statement as stayed when it was gone through. A part of the bytes is the growth
  // of tables, which has none; and V8 may allocate several at once.
  bound(sites) {
    const [from, , to] = this.input.window;
    for (const statement of this.input.statements) {
      const own = sites.filter((site) => site.statement === statement && !site.replaces);
      const { heap } = statement;
      const most = heap.most(statement, to - from);
      // Of what was seen too seldom the profile knows more.
      if (most === Infinity) continue;
      const all = own.reduce((sum, { bytes: [first, second] }) => sum + first + second, 0);
      const likely = (all * heap.blocks) / heap.bytes;
      const part = Math.min(1, most / likely);
      for (const site of own) site.blocks = site.bytes.map((half) => ((half * heap.blocks) / heap.bytes) * part);
    }
  }

  // The statements in the function at the top of a call path that allocated what survived: those that were come to by
  // the same path, where there are any.
  statementsOf(path) {
    const { statements } = this.input;
    const inside = statements.filter(({ stack, heap }) => heap.bytes + heap.replacing > 0 && stack[0] && isIn(stack[0], path[0]));
    const whole = path.filter(({ owner }) => owner === 'case');
    const same = inside.filter(({ stack }) => {
      const own = stack.filter(({ file }) => this.owners.of(file) === 'case');
      return own.length === whole.length && own.every((frame, at) => isIn(frame, whole[at]));
    });
    return same.length > 0 ? same : inside;
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

// Whether a frame with its line is one of the function that begins at a place.
function isIn(frame, { file, line, function: name }) {
  return frame.file === file && (frame.from ? frame.from === line : frame.function === name);
}

// Of the statements of a function those that name what is called; all of them where none does.
function calling(statements, called) {
  const name = called ? called.function.split(/[.\s]/).at(-1) : '';
  const naming = statements.filter(({ text }) => name && text.split(/[^\w$#]+/).includes(name));
  return naming.length > 0 ? naming : statements;
}

module.exports = { Sites };
