/**
 * A prompt that does not echo its input.
 *
 * @module
 */
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { MtlsError } from '../errors.js';

/**
 * Asks for one line without echo.
 * @throws MtlsError `ERR_MTLS_PASSPHRASE_INVALID` if the prompt is cancelled
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
  // In terminal mode, readline does the echo itself, and writes it to nowhere.
  const lines = createInterface({ input, output: nowhere, terminal: true, historySize: 0 });
  try {
    return await new Promise((resolve, reject) => {
      lines.once('line', resolve);
      // Ctrl-C and Ctrl-D.
      lines.once('close', () => {
        reject(
          new MtlsError('ERR_MTLS_PASSPHRASE_INVALID', {
            seen: 'no passphrase was given',
            remedy: 'type it and press Enter',
          }),
        );
      });
    });
  } finally {
    lines.close();
    output.write('\n');
  }
}
