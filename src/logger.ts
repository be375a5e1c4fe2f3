/**
 * The logger that an app gives, and how the parts of this package report to it.
 *
 * @module
 */

/** What a logger must have. pino's does; so do `console` and `developmentLogger()`. */
export interface Logger {
  /**
   * What goes its way: what is in force at the start, and after a reload.
   * @param fields - `event`, and what it carries.
   * @param message - The same for people. Names in it are those of certificates, and not escaped.
   */
  info(fields: object, message: string): void;
  /**
   * What somebody should look at: a client that was refused or closed, a rule that threw, a CRL that runs out.
   * @param fields - As for {@link Logger.info}.
   * @param message - As for {@link Logger.info}.
   */
  warn(fields: object, message: string): void;
  /**
   * What failed, while the server serves on by what was in force: a reload, as a rule.
   * @param fields - As for {@link Logger.info}.
   * @param message - As for {@link Logger.info}.
   */
  error(fields: object, message: string): void;
}

/** Where a part of this package reports what happens: each happening once, by its name. */
export interface EventSink<Events extends Record<keyof Events, unknown[]>> {
  /** Reports a happening. */
  emit<Name extends keyof Events>(name: Name, ...args: Events[Name]): void;
}
