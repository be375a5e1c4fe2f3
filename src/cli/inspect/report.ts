/**
 * What is said about one thing: the same for people and for programs.
 *
 * @module
 */

/** What would be refused, and why. */
export interface Fault {
  /** One word, as the server logs it; of a CRL the code of the error. */
  readonly reason: string;
  /** A sentence: what was seen, and what to do. */
  readonly detail: string;
}

/** What a server of this package would make of it. */
export interface Verdict {
  /** `'a client certificate'`. */
  readonly as: string;
  readonly refusals: readonly Fault[];
  /** What is said where there is no reason; `undefined`: nothing. */
  readonly praise?: string | undefined;
  /** What is said in its place where no reason was found, and something was not checked. */
  readonly reservation?: string | undefined;
}

/** One line for people, or several under one label. */
export type Row = readonly [label: string, ...lines: string[]];

/** One thing. */
export interface Report {
  readonly origin: string;
  /** What it is: `'client certificate'`. */
  readonly title: string;
  readonly rows: readonly Row[];
  /** Worth knowing, and no reason to refuse it. */
  readonly notes: readonly string[];
  readonly verdict: Verdict | undefined;
  /** For programs. */
  readonly data: { readonly type: string } & Readonly<Record<string, unknown>>;
}

/** Whether anything of it would be refused. */
export function isRefused({ verdict }: Report): boolean {
  return verdict !== undefined && verdict.refusals.length > 0;
}

/** A report for programs. */
export function toData({ origin, notes, verdict, data }: Report): object {
  const { type, ...rest } = data;
  return {
    type,
    origin,
    ...rest,
    notes,
    ...(verdict === undefined ? {} : { judgedAs: verdict.as, refusals: verdict.refusals }),
  };
}
