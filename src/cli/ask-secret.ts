/**
 * A question whose answer is not shown.
 *
 * @module
 */
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { MtlsError } from '../errors.js';

/**
 * Asks for one line, and shows nothing of what is typed.
 * @throws MtlsError `ERR_MTLS_PASSPHRASE_INVALID` where it is broken off
 */
export async function askSecret(
  question: string,
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
): Promise<string> {
  output.write(question);
  const nowhere = new Writable({
    write: (_chunk, _encoding, done) => {
      done();
    },
  });
  // As a terminal, it takes the echo away from the system's hands and writes it itself: to nowhere.
  const lines = createInterface({ input, output: nowhere, terminal: true, historySize: 0 });
  try {
    return await new Promise((resolve, reject) => {
      lines.once('line', resolve);
      // Ctrl-C and Ctrl-D.
      lines.once('close', () => {
        reject(
          new MtlsError('ERR_MTLS_PASSPHRASE_INVALID', {
            seen: 'no passphrase was given',
            remedy: 'type it, and Enter',
          }),
        );
      });
    });
  } finally {
    lines.close();
    output.write('\n');
  }
}
