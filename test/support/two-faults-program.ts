/**
 * A server whose author has mistyped two options.
 *
 * @module
 */
import { createServer } from '../../src/index.js';
import type { MtlsOptions } from '../../src/index.js';

const files = { key: 'server-key.pem', cert: 'server-crt.pem', ca: 'ca-crt.pem' };
const options = { ...files, clr: 'ca-crl.pem', wacth: { pollMs: 100 } };
void createServer(options as unknown as MtlsOptions);
