/**
 * `express-mtls list`: lists the certificates that the CA has issued.
 *
 * @module
 */
import type { DevCertificate } from '../../dev-ca/database.js';
import { millisecondsIn } from '../../time-span.js';
import type { Answer } from '../answer.js';
import { openCa, passphraseOption, type CaOptions } from '../ca-options.js';
import { directoryOption, type Commands } from '../commands.js';
import { formatTable, type Cell, type Column } from '../table.js';
import type { Style, Terminal } from '../terminal.js';
import { fromNow } from '../time.js';

const columns: readonly Column[] = [
  { title: 'NAME' },
  { title: 'COMMON NAME', leftOut: 'late' },
  { title: 'KIND', leftOut: 'late' },
  { title: 'SERIAL', leftOut: 'early' },
  { title: 'UNTIL' },
  { title: 'REVOKED' },
];

const soonMs = 14 * millisecondsIn.day;

/** Adds the command. */
export function addList({ create, answers }: Commands): void {
  create('list')
    .summary('list the certificates that the CA has issued')
    .description(
      'Lists the certificates that the CA has issued, in order of issue: name, purpose, expiry, and revocation.',
    )
    .addOption(directoryOption())
    .addOption(passphraseOption())
    .action(answers(async (terminal, _args, options: CaOptions) => list(terminal, options)))
    .addHelpText(
      'after',
      `
Examples:
  $ express-mtls list
  $ express-mtls list --json --dir /etc/my-app/certs`,
    );
}

async function list(terminal: Terminal, options: CaOptions): Promise<Answer> {
  const ca = await openCa(terminal, options, { missing: 'fail' });
  const certificates = await terminal.during('listing the certificates', () => ca.list());
  if (certificates.length === 0) {
    return {
      data: { certificates },
      text: `nothing has been issued in ${options.dir} yet; see express-mtls issue --help`,
    };
  }
  const rows = certificates.map((certificate) => cellsOf(certificate, terminal.world.now()));
  return { data: { certificates }, text: formatTable(terminal, columns, rows) };
}

function cellsOf(certificate: DevCertificate, nowMs: number): Cell[] {
  const { name, formerName, commonName = '', kind = '', serialNumber, notAfter } = certificate;
  const { revokedAt, reason } = certificate;
  const label = name ?? (formerName === undefined ? '' : `${formerName} (old)`);
  return [
    { text: label, style: name === undefined ? 'dim' : undefined },
    { text: commonName },
    { text: kind },
    { text: serialNumber, style: 'dim' },
    { text: `${dateOf(notAfter)} (${fromNow(notAfter, nowMs)})`, style: styleOf(notAfter, nowMs) },
    revokedAt === undefined
      ? { text: '' }
      : { text: `${dateOf(revokedAt)}${reason === undefined ? '' : ` ${reason}`}`, style: 'bad' },
  ];
}

function styleOf(notAfter: Date, nowMs: number): Style | undefined {
  const left = notAfter.getTime() - nowMs;
  if (left <= 0) return 'bad';
  return left < soonMs ? 'warning' : undefined;
}

function dateOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}
