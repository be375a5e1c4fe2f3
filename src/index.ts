/**
 * Client-certificate authentication for Express. In the order a request meets them:
 * the server, the identity, the rules, the log, the errors.
 *
 * @module
 */
export { createServer, createServerOptions, type MtlsServer, protect } from './tls/server.js';
export type { LimitOptions } from './limits.js';
export type { Logger, MtlsOptions } from './options.js';
export type { ServerNameOptions } from './server-names.js';
export type { CaSource, CrlSource, Source, SourceLoader } from './source-options.js';
export type { CertificatePolicy, RevocationPolicy } from './policies.js';
export type { AuthorityState } from './tls/authority-state.js';
export type {
  ConnectionState,
  Mtls,
  MtlsMessage,
  RevocationState,
  ServerCertificateState,
} from './tls/mtls.js';
export type {
  AuthenticatedEvent,
  CrlExpiringEvent,
  EvictedEvent,
  ForbiddenEvent,
  MtlsEvents,
  RefusedEvent,
  ReloadReport,
  TypedEventEmitter,
} from './tls/events.js';
export type {
  ExplainedCheck,
  ExplainedCrl,
  ExplainedRule,
  Explanation,
  Explicable,
} from './tls/explanation.js';
export type { RuleFinding } from './policy/rule-account.js';
export type { Refusal, RefusalReason, RevocationDetail } from './tls/refusal.js';
export type { RevocationEntryState } from './revocation/revocation-state.js';

export { clientIdentity } from './express/client-identity.js';
export { identify } from './tls/connection.js';
export type { CertificateIdentity, ClientIdentity, SubjectAltNames } from './identity/client-identity.js';
export { DistinguishedName } from './x509/distinguished-name.js';
export type { NameAttribute, RelativeDistinguishedName } from './x509/name-attribute.js';

export { requireClient } from './express/require-client.js';
export { requireClientOnUpgrade, type UpgradeGuard } from './express/require-client-on-upgrade.js';
export { allOf, anyOf, not } from './policy/combinators.js';
export type { ClientRule, ClientRuleFunction } from './policy/client-rule.js';
export type { ClientRuleFields, Match } from './policy/rule-fields.js';

export { requestLog, type RequestLogOptions } from './express/request-log.js';
export type { ErrorMiddleware, Middleware, MtlsRequest } from './express/request.js';

export { mtlsErrorHandler } from './express/error-handler.js';
export { ErrorCode, MtlsError } from './errors.js';
