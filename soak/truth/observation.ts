/**
 * What a client tells of one request, or of the end of its connection.
 *
 * @module
 */

/** What every observation has. Times are `machineTime()`. */
interface Observed {
  readonly client: number;
  /** When it asked; of a connection that ended, when it ended. */
  readonly from: number;
  readonly to: number;
}

/** An answer with status 200. */
export interface Served extends Observed {
  readonly outcome: 'served';
  /** By the server's word: when it answered, and to whom. */
  readonly at: number;
  readonly by: string;
  /** Of a new connection that brought a session: whether it was resumed. */
  readonly resumed?: boolean | undefined;
  /** Of a new connection with a full handshake: the serial number of the server's certificate. */
  readonly serverSerial?: string | undefined;
}

/** Anything else. */
export interface TurnedAway extends Observed {
  readonly outcome: 'turned away';
  readonly why: string;
}

/** The server, or the network, ended a connection. */
export interface Ended extends Observed {
  readonly outcome: 'ended';
}

export type Observation = Served | TurnedAway | Ended;
