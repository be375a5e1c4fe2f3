/**
 * What a client reports about a request, or about the end of its connection.
 *
 * @module
 */

/** The fields of every observation. Times are `machineTime()`. */
interface Observed {
  readonly client: number;
  /** The time of the request, or of the end of the connection. */
  readonly from: number;
  readonly to: number;
}

/** An answer with status 200. */
export interface Served extends Observed {
  readonly outcome: 'served';
  /** The server's answer: its time, and the client that it identified. */
  readonly at: number;
  readonly by: string;
  /** For a new connection with a session: whether it was resumed. */
  readonly resumed?: boolean | undefined;
  /** For a new connection with a full handshake: the serial number of the server certificate. */
  readonly serverSerial?: string | undefined;
}

/** Any other result. */
export interface TurnedAway extends Observed {
  readonly outcome: 'turned away';
  readonly why: string;
}

/** The server or the network closed a connection. */
export interface Ended extends Observed {
  readonly outcome: 'ended';
}

export type Observation = Served | TurnedAway | Ended;
