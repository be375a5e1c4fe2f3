import { expect, test } from '@jest/globals';
import { openDevCa } from 'express-mtls/dev-ca';
import { parseScrape } from '../support/metrics.js';
import { until } from '../support/server.js';
import { aboutASecond, Stage } from '../support/stage.js';

test('the metrics example shows its metrics only to Prometheus, and they change with events', async () => {
  const stage = await Stage.set('examples/metrics/server.ts');
  const authority = await openDevCa(stage.certs);
  await authority.issueClient('prometheus');
  const figure = async (name: string, labels = {}): Promise<number | undefined> => {
    const answer = await stage.call('/metrics', 'prometheus');
    expect(answer).toMatch(/^200 # HELP /);
    const wanted = JSON.stringify(labels);
    return parseScrape(answer.slice(4)).find(
      (sample) => sample.name === name && JSON.stringify(sample.labels) === wanted,
    )?.value;
  };

  expect(await stage.call('/', 'client1')).toBe('200 hello client1\n');
  expect(await stage.call('/metrics', 'client1')).toMatch(/^403 .*ERR_MTLS_CLIENT_FORBIDDEN/);
  expect(await stage.call('/metrics')).toBe('refused');
  expect(await figure('mtls_requests_total', { client: 'client1' })).toBe(2);
  expect(await figure('mtls_forbidden_requests_total')).toBe(1);
  expect(await figure('mtls_handshakes_total', { outcome: 'refused', reason: 'no-certificate' })).toBe(1);
  expect(await figure('process_cpu_seconds_total')).toBeGreaterThan(0);

  const isOut = async (): Promise<boolean> => (await stage.call('/', 'client2')) === 'refused';
  expect(await stage.revoke('client2', isOut)).toBeLessThan(aboutASecond);
  expect(await figure('mtls_handshakes_total', { outcome: 'refused', reason: 'revoked' })).toBe(1);
  const reloads = async (): Promise<boolean> =>
    (await figure('mtls_reloads_total', { outcome: 'succeeded' })) === 1;
  await until(reloads, 'the reload is counted');
});
