// Where survivors were allocated: heap profiles, with lines where statements were gone through.
'use strict';

const fs = require('fs');
const { plain } = require('./owners.cjs');

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
    const statements = own < 0 ? [] : calling(this.statementsOf(places[own]), places[own - 1]);
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

// Of the statements of a function those that name what is called; all of them where none does.
function calling(statements, called) {
  const name = called ? called.function.split(/[.\s]/).at(-1) : '';
  const naming = statements.filter(({ text }) => name && text.split(/[^\w$#]+/).includes(name));
  return naming.length > 0 ? naming : statements;
}

module.exports = { Sites };
