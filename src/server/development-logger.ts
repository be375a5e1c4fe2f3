/**
 * The logger for development: a readable line instead of a JSON object.
 *
 * @module
 */
import { inspect } from 'node:util';
import { type Logger } from '../logger.js';
import { escapeUnsafe } from '../x509/string.js';

/** The fields that log lines of this package may have. */
interface Fields {
  readonly event?: string;
  readonly remoteAddress?: string;
  readonly subject?: string;
  readonly issuer?: string;
  readonly commonName?: string;
  readonly reason?: string;
  readonly code?: string;
  readonly detail?: string;
  readonly remedy?: string;
  readonly revocation?: { readonly crlIssuer: string; readonly crlNumber: string | undefined };
  readonly source?: string;
  readonly method?: string;
  readonly url?: string;
  readonly rule?: string;
  readonly err?: unknown;
  readonly status?: number;
  readonly durationMs?: number;
  readonly aborted?: boolean;
}

/**
 * A logger for development: one readable line on stdout for each event, with the time of day, the event, the client,
 * the reason and the client's address. For production use `pino()`, which writes every field as JSON.
 * @returns A logger for the option `logger` of `createServer()` and `requestLog()`. Terminal control characters are
 *   escaped.
 * @example
 * ```ts
 * const logger = developmentLogger();
 * app.use(requestLog({ logger }));
 * const server = await createServer({ key, cert, ca, crl, logger }, app);
 * // 12:03:04 refused  CN=client1 revoked by CRL 4 of CN=ca  127.0.0.1
 * ```
 */
export function developmentLogger(): Logger {
  const write = (fields: Fields, message: string): void => {
    process.stdout.write(`${lineOf(fields, message)}\n`);
  };
  return { info: write, warn: write, error: write };
}

/** Two spaces separate the parts, and no part contains two spaces, so that a name cannot pass for another part. */
function lineOf(fields: Fields, message: string): string {
  const { event = 'log' } = fields;
  const parts = partsOf.get(event)?.(fields) ?? [withoutPrefix(message, event), causeOf(fields)];
  const time = new Date().toTimeString().slice(0, 8);
  const [first, ...others] = [`${time} ${words.get(event) ?? event}`, ...parts]
    .flatMap((part) => part ?? [])
    .map(oneLine);
  return [first, ...others].join('  ');
}

/** What stands for an event whose name is not plain. */
const words: ReadonlyMap<string, string> = new Map([['uncovered-cas', 'CRL missing']]);

type Part = string | undefined;

const refusal = (fields: Fields): Part[] => [
  joined(fields.subject, whyRefused(fields)),
  fields.remoteAddress,
];

const requestOf = ({ method, url }: Fields): string => `${method ?? '-'} ${url ?? '-'}`;

const partsOf = new Map<string, (fields: Fields) => Part[]>(
  Object.entries({
    refused: refusal,
    evicted: refusal,
    'plain-http': ({ remoteAddress }) => ['the client sent HTTP without TLS: call https://', remoteAddress],
    forbidden: (fields) => [
      joined(fields.subject, requestOf(fields), `is not allowed by ${fields.rule ?? 'the rule'}`),
      fields.remoteAddress,
    ],
    'rule-failed': (fields) => [
      joined(fields.subject, requestOf(fields)),
      causeOf(fields),
      fields.remoteAddress,
    ],
    'request-failed': (fields) => [
      joined(fields.subject, requestOf(fields)),
      `${fields.code ?? ''}: ${fields.detail ?? ''}`,
      fields.remoteAddress,
    ],
    request: ({ commonName, status, durationMs, aborted, remoteAddress, ...fields }) => [
      joined(commonName ?? '-', requestOf(fields), `${status} in ${durationMs} ms`, aborted ? 'aborted' : ''),
      remoteAddress,
    ],
    'reload-failed': ({ source, detail }) => [
      detail,
      `the last-good copy of ${source ?? 'it'} stays in force`,
    ],
  }),
);

/** `revoked by CRL 4 of CN=ca`, if the CRL is the issuer's own; otherwise the reason and the detail. */
function whyRefused({ reason, detail, remedy, revocation, issuer }: Fields): string {
  if (revocation !== undefined && revocation.crlIssuer === issuer) {
    const { crlIssuer, crlNumber } = revocation;
    return `revoked by ${crlNumber === undefined ? 'the CRL' : `CRL ${crlNumber}`} of ${crlIssuer}`;
  }
  return `${reason ?? 'refused'}: ${[detail, remedy].filter((part) => part !== undefined).join('; ')}`;
}

/** `Error: no database (at file:///srv/app/rules.js:12:9)` */
function causeOf({ err }: Fields): Part {
  if (err === undefined) return undefined;
  if (!(err instanceof Error)) return inspect(err, { depth: 1, breakLength: Infinity });
  const [, where] = /\n\s+(at [^\n]*)/.exec(err.stack ?? '') ?? [];
  return `${err.name}: ${err.message}${where === undefined ? '' : ` (${where})`}`;
}

function withoutPrefix(message: string, event: string): string {
  return message.startsWith(`${event}: `) ? message.slice(event.length + 2) : message;
}

function joined(...words: readonly Part[]): string {
  return words.filter((word) => word !== undefined && word !== '').join(' ');
}

function oneLine(part: string): string {
  return escapeUnsafe(part.replace(/\s+/gu, ' '));
}
