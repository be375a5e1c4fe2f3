/**
 * Measures several subjects in turn, so that variations of the machine affect all equally.
 *
 * @module
 */

/** Measures every subject once per round, alternating the order: A B, B A, A B. */
export async function measureInRounds<Subject, Measured>(
  subjects: readonly Subject[],
  rounds: number,
  measure: (subject: Subject) => Promise<Measured>,
): Promise<Map<Subject, Measured[]>> {
  const results = new Map<Subject, Measured[]>(subjects.map((subject) => [subject, []]));
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? subjects : subjects.toReversed();
    for (const subject of order) results.get(subject)?.push(await measure(subject));
  }
  return results;
}
