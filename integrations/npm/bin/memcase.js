#!/usr/bin/env node
// Finds the program memcase and becomes as good as it: arguments, streams, signals and exit status are its own.
'use strict';

const { spawn } = require('node:child_process');
const { constants } = require('node:os');

/** The program: what MEMCASE_BINARY names, or what the package for this platform carries. */
function find() {
  if (process.env.MEMCASE_BINARY) return process.env.MEMCASE_BINARY;
  const carrier = `@memcase/${process.platform}-${process.arch}`;
  try {
    return require.resolve(`${carrier}/memcase`);
  } catch {
    fail(
      `the package ${carrier}, which carries the program, is not installed: install without --omit=optional, ` +
        'or install memcase another way and name it by the variable MEMCASE_BINARY. memcase runs on Linux.',
    );
  }
}

/** 5 is memcase's own word for "could not be measured". */
function fail(message) {
  process.stderr.write(`error: ${message}\n`);
  process.exit(5);
}

const program = find();
const child = spawn(program, process.argv.slice(2), { stdio: 'inherit' });
child.on('error', (error) => fail(`${program} could not be started: ${error.message}`));

// Whoever asks this process to end means memcase, which ends its targets first. From a terminal it hears twice, and
// takes that for one wish.
const passed = ['SIGINT', 'SIGTERM', 'SIGHUP'];
for (const signal of passed) process.on(signal, () => child.kill(signal));

child.on('exit', (code, signal) => {
  if (signal === null) process.exit(code);
  // Ends as memcase did; what does not end by it says so as a shell would.
  for (const each of passed) process.removeAllListeners(each);
  process.kill(process.pid, signal);
  setTimeout(() => process.exit(128 + constants.signals[signal]), 1000);
});
