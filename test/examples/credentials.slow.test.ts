import https from 'node:https';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { expect, test } from '@jest/globals';
import { Stage } from '../support/stage.js';
import { until } from '../support/server.js';

test('the credentials example presents a new certificate again and again, and keeps its connections', async () => {
  const stage = await Stage.set('examples/credentials/server.ts', { EVERY_MS: '1000' });
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
  const presented = new Set<string>();
  const ask = async (options: https.RequestOptions): Promise<TLSSocket> => {
    const request = https.get(stage.url, { ...stage.credentials('client1'), ...options });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(200);
    response.resume();
    await once(response, 'end');
    return request.socket as TLSSocket;
  };
  const kept = await ask({ agent });
  await until(async () => {
    const request = https.get(stage.url, { ...stage.credentials('client1'), agent: false });
    const [socket] = (await once(request, 'socket')) as [TLSSocket];
    await once(socket, 'secureConnect');
    presented.add(socket.getPeerCertificate().fingerprint256);
    await once(request, 'response');
    socket.destroy();
    expect(await ask({ agent })).toBe(kept);
    return presented.size >= 3;
  }, 'three certificates have been presented');
  await stage.program.wrote(/ reloaded {2}server certificate replaced, valid until /);
  expect(stage.program.output).not.toMatch(/reload-failed|Error/);
  await stage.revoke('client1', () => kept.destroyed);
  agent.destroy();
});
