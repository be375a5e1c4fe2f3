import { expect } from '@jest/globals';
import { ca, largeCrl } from '../support/chain.js';
import { Client } from '../support/client.js';
import { Program } from '../support/program.js';
import { testOn } from '../support/requirements.js';
import { material, publish, until } from '../support/server.js';
import { aSecond, ownTime } from '../support/elapsed.js';

const testOnPosix = testOn(process.platform !== 'win32', 'Windows has no limit of file descriptors');

testOnPosix.each([
  ['a short CRL', 0],
  ['a CRL that is otherwise loaded on a thread', 50_000],
])(
  'a process without a file descriptor left revokes a client all the same, by %s',
  async (_what, entries) => {
    const root = ca('ca');
    const client2 = root.client('client2');
    const files = material({ root });
    const program = new Program('test/support/descriptors-program.ts', {
      args: [JSON.stringify(files.options)],
      descriptors: 256,
    });
    const [, port] = await program.wrote(/"listening","port":(\d+)/);
    const client = new Client({ port: Number(port), ca: root.pem }, client2, { keepAlive: true });
    expect(await client.get()).toMatchObject({ status: 200 });
    program.signal('SIGUSR2');
    await program.wrote(/"exhausted".*"EMFILE"/);
    publish(files.files.crl, largeCrl(root, { entries, also: [client2], number: 2 }).pem);
    const published = ownTime();
    await until(() => client.connection.isClosed, 'the connection is closed');
    expect(ownTime() - published).toBeLessThan(aSecond);
    await program.wrote(/"reloaded","added":\d+,"evicted":1/);
    expect(program.output).not.toContain('reload-failed');
  },
);
