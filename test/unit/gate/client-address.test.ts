import { expect, test } from '@jest/globals';
import { clientAddressIn } from '../../../src/gate/client-address.js';

test.each<[Parameters<typeof clientAddressIn>[1], string | undefined, string | undefined]>([
  ['x-forwarded-for', '192.0.2.1', '192.0.2.1'],
  ['x-forwarded-for', '203.0.113.9, 192.0.2.1', '192.0.2.1'],
  ['x-forwarded-for', '192.0.2.1:4711', '192.0.2.1'],
  ['x-forwarded-for', '[2001:db8::1]:4711', '2001:db8::1'],
  ['x-forwarded-for', '::ffff:192.0.2.1', '192.0.2.1'],
  ['x-forwarded-for', 'unknown', undefined],
  ['x-forwarded-for', '192.0.2.1, evil\x1b[2J', undefined],
  ['x-forwarded-for', '', undefined],
  ['x-forwarded-for', undefined, undefined],
  ['x-real-ip', '2001:db8::1', '2001:db8::1'],
  ['forwarded', 'for=192.0.2.1;proto=https', '192.0.2.1'],
  ['forwarded', 'for=203.0.113.9, proto=https;For="[2001:db8::1]:4711"', '2001:db8::1'],
  ['forwarded', 'for="192.0.2.1:80"', '192.0.2.1'],
  ['forwarded', 'for=_hidden', undefined],
  ['forwarded', 'by=192.0.2.1', undefined],
  ['forwarded', `for="${'1'.repeat(300)}"`, undefined],
])('of %s %j the address is %s', (kind, value, address) => {
  expect(clientAddressIn(value, kind)).toBe(address);
});
