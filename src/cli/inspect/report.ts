/**
 * The description of one item, the same for people and for programs.
 *
 * @module
 */

/** A reason to refuse an item. */
export interface Fault {
  /** One word, as in the log of a server; for a CRL, the error code. */
  readonly reason: string;
  /** A sentence with what was seen and what to do. */
  readonly detail: string;
}

/** Whether a server of this package would accept it. */
export interface Verdict {
  /** `'a client certificate'`. */
  readonly as: string;
  readonly refusals: readonly Fault[];
  /** The statement if there is no reason to refuse it; `undefined` for none. */
  readonly praise?: string | undefined;
  /** The statement if there is no reason to refuse it, but something was not checked. */
  readonly reservation?: string | undefined;
}

/** One line for people, or several with one label. */
export type Row = readonly [label: string, ...lines: string[]];

/** One item. */
export interface Report {
  readonly origin: string;
  /** What it is: `'client certificate'`. */
  readonly title: string;
  readonly rows: readonly Row[];
  /** Information that is not a reason to refuse it. */
  readonly notes: readonly string[];
  readonly verdict: Verdict | undefined;
  /** For programs. */
  readonly data: { readonly type: string } & Readonly<Record<string, unknown>>;
}

/** Whether there is a reason to refuse it. */
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
