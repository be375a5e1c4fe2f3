/**
 * CPU time in place of elapsed time: how long a test waits for a core says nothing about the code.
 *
 * @module
 */

/** Starts a clock. Each call of the result returns the CPU time of the process since then, in milliseconds. */
export function startCpuClock(): () => number {
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
}

/**
 * CPU time of the fastest of some turns, in milliseconds.
 *
 * The time of the process counts its compiler and its garbage collector, which one turn may have to
 * pay for and the next does not.
 */
export function fastestTurn(run: () => void, turns = 5): number {
  let fastest = Infinity;
  for (let turn = 0; turn < turns; turn++) {
    const elapsed = startCpuClock();
    run();
    fastest = Math.min(fastest, elapsed());
  }
  return fastest;
}
