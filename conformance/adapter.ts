/**
 * What the suite knows of a server: how to start it, what to do when its files have changed, and how to end it.
 *
 * @module
 */

/** What a server may lack without failing a check. */
export type Feature =
  /** It checks certificates against CRLs. */
  | 'crl'
  /** It speaks HTTP/2. */
  | 'http2'
  /** It passes WebSockets on, or serves them. */
  | 'websocket'
  /** It tells the app who is calling. */
  | 'identity'
  /** It tells the app the subjectAltName of the caller. */
  | 'alternativeNames'
  /** It has a certificate, CAs and CRLs for each server name. */
  | 'names'
  /** It answers requests of HTTP itself, and so can compare the host of a request with the name of the handshake. */
  | 'hosts';

/** The files of one server name. All are in PEM. */
export interface Files {
  readonly key: string;
  /** The certificate, with its intermediates. */
  readonly cert: string;
  /** The certificate, its intermediates and the key in one file. */
  readonly pair: string;
  /** All CAs in one file. */
  readonly ca: string;
  /** One file for each CA that was there at the start. */
  readonly cas: readonly string[];
  /** All CRLs in one file. */
  readonly crl: string;
  /** All CAs and all CRLs in one file. */
  readonly caAndCrl: string;
}

/** What a server is started with. Its files change while it runs. */
export interface Material {
  /** An empty folder for what the server needs besides, readable for every user. */
  readonly folder: string;
  readonly files: Files;
  /** Server names that have files of their own. */
  readonly names: readonly { readonly name: string; readonly files: Files }[];
  /** The port of the app behind it, which speaks HTTP/1.1: see `harness/app.ts`. */
  readonly backend: number;
  /** The port to listen on, if several processes share it. @defaultValue a free port */
  readonly port?: number;
}

/** A server that runs. */
export interface RunningServer {
  readonly port: number;
  /** As text, so that a reader who knows the server can say whether it is configured well. */
  readonly configuration: string;
  /** The process whose CPU time and memory are those of the server, with its children. */
  readonly pid: number;
  /** Does what an operator has to do after files have changed; nothing where the server looks for itself. */
  reload(material: Material): Promise<void> | void;
  stop(): Promise<void> | void;
}

/** A server that the suite can test. */
export interface Adapter {
  /** As `--server` takes it. */
  readonly name: string;
  /** How it is configured, in a few words. */
  readonly title: string;
  /** Whether it is ours: a failure then ends the run with an error. */
  readonly ours?: boolean;
  /** Whether it runs in Node. The suite then starts it in a process of its own. */
  readonly inNode?: boolean;
  /** What it does not claim to do, with the reason. The checks that need it are `n/a`. */
  readonly lacks?: Partial<Readonly<Record<Feature, string>>>;
  /** Its version; `undefined` if it is not installed. */
  version(): string | undefined;
  /** Starts it. Rejects if the server refuses its files. */
  start(material: Material): Promise<RunningServer>;
  /** The name of the caller that the app is told, as this server writes it. @defaultValue the name itself */
  readonly nameOf?: (commonName: string) => string;
}
