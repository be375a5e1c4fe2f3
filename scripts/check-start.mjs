// The cost of loading the built package, compared with Node alone. Measured in CPU time, as the minimum of alternating
// runs, because other work on the machine can only add to it. It is 1.2 times what Node itself takes to start, nearly all
// of it to compile some two hundred files. More than twice is an error: a library that is loaded by mistake costs that.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const rounds = 15;
const root = fileURLToPath(new URL('..', import.meta.url));
if (!existsSync(new URL('../dist', import.meta.url))) throw new Error('there is no dist; run: npm run build');

const programs = {
  nothing: ['commonjs', ''],
  require: ['commonjs', "require('express-mtls');"],
  import: ['module', "import 'express-mtls';"],
};
const report =
  "process.on('exit', () => { const { user, system } = process.cpuUsage(); process.stdout.write(`${(user + system) / 1000}`); });";

const times = Object.fromEntries(Object.keys(programs).map((name) => [name, []]));
for (let round = 0; round < rounds; round++) {
  for (const [name, [type, code]] of Object.entries(programs)) {
    const args = [`--input-type=${type}`, '--eval', `${code}${report}`];
    times[name].push(Number(execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' })));
  }
}

const bare = Math.min(...times.nothing);
const costs = { require: Math.min(...times.require) - bare, import: Math.min(...times.import) - bare };
const figures = Object.entries(costs).map(
  ([how, cost]) => `${how} ${(cost / bare).toFixed(1)} times (${cost.toFixed(0)} ms)`,
);
console.log(
  `check-start: ${figures.join(', ')} what Node itself takes to start, ${bare.toFixed(0)} ms (CPU, ${process.version})`,
);
for (const [how, cost] of Object.entries(costs)) {
  if (cost <= 2 * bare) continue;
  console.error(
    `loading by ${how} costs more than twice what it takes to start Node: see what the main entry loads`,
  );
  process.exitCode = 1;
}
