/**
 * Calls from the benchmark to its child processes over Node's IPC.
 *
 * @module
 */

/** The functions of a child process. */
export type Calls = Record<string, (...args: never[]) => unknown>;

/** A call to a child. */
export interface CallMessage {
  readonly id: number;
  readonly name: string;
  readonly args: readonly unknown[];
}

/** Its answer. */
export type AnswerMessage = { readonly id: number } & (
  { readonly result: unknown } | { readonly error: string }
);

/** In a child: answers the calls of the parent process, and ends with it. */
export function answerCalls(calls: Calls): void {
  process.on('message', ({ id, name, args }: CallMessage) => {
    const call = calls[name] as (...args: readonly unknown[]) => unknown;
    Promise.resolve()
      .then(() => call(...args))
      .then(
        (result) => process.send?.({ id, result } satisfies AnswerMessage),
        (error: unknown) => process.send?.({ id, error: describe(error) } satisfies AnswerMessage),
      );
  });
  process.on('disconnect', () => process.exit());
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
