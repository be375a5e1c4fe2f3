/**
 * The table of README.md that compares servers: what was measured comes from the results, the rest is written here.
 *
 * @module
 */
import { formatTable } from '../bench/report.js';
import type { Group } from './check.js';
import { countOutcomes, type Results } from './result.js';

/** The columns, and the servers of the suite behind them. */
const columns = [
  ['express-mtls', 'express-mtls'],
  ['client-certificate-auth', 'client-certificate-auth'],
  ['passport-client-cert', 'passport-client-cert'],
  ['node:https', 'node-https'],
  ['nginx', 'nginx'],
  ['Envoy', 'envoy'],
] as const;

/** The rows of counts, and the groups that they count. */
const measured: readonly (readonly [title: string, ...groups: Group[]])[] = [
  ['Checks passed: admission, certification paths, revocation', 'who', 'path', 'revocation'],
  ['Checks passed: open connections, resumed sessions', 'live'],
  ['Checks passed: client name, file reloads, resource limits', 'identity', 'changes', 'bounds'],
];

const written: readonly (readonly string[])[] = [
  [
    'What it is',
    '[server and middleware](docs/getting-started.md)',
    '[middleware][cca]',
    '[Passport strategy][pcc]',
    '[server][tls]',
    '[proxy][nginx]',
    '[proxy][envoy]',
  ],
  [
    'A new CRL is in force',
    '[within a second](docs/rotation.md)',
    '[as node:https][cca]',
    '[as node:https][pcc]',
    '[after `setSecureContext()`][tls-context]',
    '[after a reload][nginx-control]',
    '[when SDS delivers it][envoy-crl]',
  ],
  [
    'Open connections of a revoked client',
    '[closed](docs/what-is-checked.md)',
    '[kept](docs/coming-from-client-certificate-auth.md#what-changes)',
    '[kept](docs/coming-from-passport-client-cert.md#what-changes)',
    '[kept](docs/faq.md#does-a-revoked-client-keep-its-open-connections)',
    '[kept][nginx-control] while a request or WebSocket is under way',
    '[not tested](docs/conformance.md)',
  ],
  [
    'CPU of a handshake, a million CRL entries against none',
    '[the same](docs/benchmarks.md)',
    '[as node:https][cca]',
    '[as node:https][pcc]',
    '[about 100 ×](docs/benchmarks.md)',
    '[about 80 ×](docs/benchmarks.md)',
    '[not measured](docs/benchmarks.md)',
  ],
  [
    'Which clients may use a route',
    '[rules](docs/rules.md), validated at startup',
    '[helpers, or a callback][cca]',
    '[a callback][pcc]',
    '[your code][tls]',
    '[`map` on a variable][nginx-variables]',
    '[RBAC filter][envoy-rbac]',
  ],
  [
    'Why a client was refused',
    '[logged](docs/logging.md): client, reason, CRL',
    '[`onRejected` hook][cca]',
    '[not available][pcc]',
    '[`authorizationError`][tls-error]',
    '[`$ssl_client_verify`][nginx-variables]',
    '[access log][envoy-log]',
  ],
  [
    'The app behind a proxy that ends TLS',
    '[yes](docs/behind-a-proxy.md), from proxies that prove themselves',
    '[yes][cca-proxy], by a header',
    '[no][pcc]',
    '[no][tls]',
    '[is the proxy][nginx]',
    '[is the proxy][envoy]',
  ],
  [
    'One revocation for many processes',
    '[yes](docs/fleet.md), from a store or a web server',
    '[as node:https][cca]',
    '[as node:https][pcc]',
    '[your code][tls]',
    '[a reload of each][nginx-control]',
    '[by SDS][envoy-crl]',
  ],
  [
    'Access tokens bound to certificates (RFC 8705)',
    '[yes](docs/oauth.md)',
    '[your code][cca]',
    '[your code][pcc]',
    '[your code][tls]',
    '[not tested](docs/conformance.md)',
    '[not tested](docs/conformance.md)',
  ],
  [
    'Apps in other languages',
    '[no](docs/other-frameworks.md)',
    '[no][cca]',
    '[no][pcc]',
    '[no][tls]',
    '[yes][nginx]',
    '[yes][envoy]',
  ],
];

/** The table, with the evidence of each cell. */
export function formatReadmeTable(results: Results): string {
  const counts = measured.map(([title, ...groups]) => [
    title,
    ...columns.map(([, server]) => countOf(results, server, groups)),
  ]);
  const [first = [], ...others] = written;
  return formatTable(['', ...columns.map(([title]) => title)], [first, ...counts, ...others]);
}

function countOf({ servers }: Results, server: string, of: readonly Group[]): string {
  const result = servers.find(({ name }) => name === server);
  if (result === undefined) return '[not tested](docs/conformance.md)';
  const { pass, fail } = countOutcomes(
    result.results.filter(({ id }) => of.some((group) => id.startsWith(`${group}.`))),
  );
  return `[${pass} of ${pass + fail}](docs/conformance.md)`;
}
