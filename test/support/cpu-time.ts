/**
 * CPU time of the fastest of some turns, in milliseconds.
 *
 * The time of the process counts its compiler and its garbage collector, which one turn may have to
 * pay for and the next does not.
 */
export function fastestTurn(run: () => void, turns = 5): number {
  let fastest = Infinity;
  for (let turn = 0; turn < turns; turn++) {
    const before = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(before);
    fastest = Math.min(fastest, (user + system) / 1000);
  }
  return fastest;
}
