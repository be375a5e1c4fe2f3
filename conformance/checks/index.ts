/**
 * Every check, group by group.
 *
 * @module
 */
import type { Check } from '../check.js';
import { alternativeNameChecks } from './alternative-names.js';
import { boundChecks } from './bounds.js';
import { changeChecks } from './changes.js';
import { identityChecks } from './identity.js';
import { liveChecks } from './live.js';
import { pathChecks } from './path.js';
import { revocationChecks } from './revocation.js';
import { whoChecks } from './who.js';

export const checks: readonly Check[] = [
  ...whoChecks,
  ...pathChecks,
  ...revocationChecks,
  ...liveChecks,
  ...identityChecks,
  ...alternativeNameChecks,
  ...changeChecks,
  ...boundChecks,
];
