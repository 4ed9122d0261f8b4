// Reads what `explain.js` has written about a window of iterations, and tells what was found: where survivors were
// allocated, of what types they are, and who keeps them. It runs in a process of its own, once the window is over.
'use strict';

const fs = require('fs');
const { Retainers } = require('./retainers.cjs');
const { Sites } = require('./sites.cjs');
const { divided, measureStatements } = require('./statements.cjs');
const { Survivors } = require('./survivors.cjs');

const [SITES, KINDS] = [300, 40];

function main(file) {
  const input = JSON.parse(fs.readFileSync(file, 'utf8'));
  const survivors = new Survivors(input);
  const { statements } = input;
  const bytes = measureStatements(survivors);
  const sites = new Sites(input, survivors);
  const found = sites.grown();
  const replaced = statements.reduce((sum, { outside }) => sum + outside.replacing, 0);
  for (const part of divided(statements, 'outside', { bytes, blocks: [0, 0], replaced })) {
    found.push({ ...part, stack: sites.placesOf(part.statement) });
  }
  const weight = ({ bytes: [first, second] }) => Math.min(first, second);
  found.sort((a, b) => weight(b) - weight(a));
  const round = ([a, b]) => [Math.round(a), Math.round(b)];
  const made = (input.made || []).map((one) => ({ ...one, stack: sites.placesOf(one) }));
  // Where it is no memory that grows, only objects tell of it that are about as many.
  const counted = made.filter(({ kind }) => kind === input.counted);
  const many = Math.max(0, ...counted.map(({ count }) => (count[0] + count[1]) / 2));
  const kinds = survivors.kinds().filter(({ count }) => count[0] + count[1] >= many);
  const told = {
    tracer: 'the heap profile and snapshots of V8',
    from: input.window[0],
    to: input.window[2],
    sites: found.slice(0, SITES).map(({ bytes, blocks, stack, replaces }) => ({
      bytes: round(bytes),
      blocks: round(blocks),
      stack,
      replaces,
    })),
    sees_replaced: true,
    kinds: kinds
      .slice(0, KINDS)
      .map(({ name, count, bytes, largest, example }) => ({
        name,
        count: round(count),
        bytes: round(bytes),
        largest,
        example,
      })),
    chains: new Retainers(input, survivors).chains(kinds),
    made,
    notes: [],
  };
  fs.writeFileSync(input.findings, JSON.stringify(told));
}

main(process.argv[2]);
