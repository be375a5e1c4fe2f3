/**
 * The logger of the application, and the interface through which this package reports events.
 *
 * @module
 */

/**
 * A logger. pino, `console` and `developmentLogger()` all fit.
 * @example
 * ```ts
 * const server = await createServer({ key, cert, ca, crl, logger: pino() }, app);
 * ```
 */
export interface Logger {
  /**
   * Regular operation: what is in force at start and after a reload.
   * @param fields - `event`, and its data.
   * @param message - The same for people. Names come from certificates and are not escaped.
   */
  info(fields: object, message: string): void;
  /**
   * Needs attention: a client that was refused or disconnected, a rule that threw, a CRL that expires soon.
   * @param fields - As for {@link Logger.info}.
   * @param message - As for {@link Logger.info}.
   */
  warn(fields: object, message: string): void;
  /**
   * A failure, such as a failed reload. The server continues with what is in force.
   * @param fields - As for {@link Logger.info}.
   * @param message - As for {@link Logger.info}.
   */
  error(fields: object, message: string): void;
}

/** Receives the events of a part of this package, by name. */
export interface EventSink<Events extends Record<keyof Events, unknown[]>> {
  /** Reports an event. */
  emit<Name extends keyof Events>(name: Name, ...args: Events[Name]): void;
}
