
// Hands an iteration over to an inspector, and writes the stacks of all threads. Part of the driver in a run
// that is debugged only: that run is not measured.
const inspector = require('inspector');
let handed = false;

around = (run) => (iteration) => {
  if (!handed) return run(iteration);
  handed = false;
  if (!inspector.url()) inspector.open(0, '127.0.0.1');
  const { O_WRONLY, O_NOCTTY } = fs.constants;
  const terminal = fs.openSync(process.env.MEMCASE_TERMINAL, O_WRONLY | O_NOCTTY);
  const url = inspector.url();
  fs.writeSync(terminal, `${url}\nnode inspect ${new URL(url).host}\n`);
  fs.closeSync(terminal);
  inspector.waitForDebugger();
  // Two steps lead into the case.
  debugger;
  return run(iteration);
};

orders.set(100, () => {
  handed = true;
});

orders.set(115, () => {
  const report = process.report.getReport();
  fs.writeFileSync(process.env.MEMCASE_STACKS, `${JSON.stringify(report, null, 2)}\n`);
});
