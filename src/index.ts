/**
 * Mutual TLS for Express: client-certificate authentication with revocation. The exports are in the order of use: the
 * server, the identity, the rules, the log, the errors.
 *
 * @module
 */
export {
  createServer,
  createServerOptions,
  type MtlsServer,
  protect,
  type ProxiedServer,
} from './server/server.js';
export type { LimitOptions } from './gate/settings.js';
export { developmentLogger } from './server/development-logger.js';
export type { Logger } from './logger.js';
export type { LoadedOptions, MtlsOptions, ProxiedOptions } from './server/options.js';
export type { ForwardedHeaderOptions, ProxyOptions, ProxyOrigin } from './gate/proxy-options.js';
export type { ProxySecret } from './material/proxy-sources.js';
export type { ForwardedEncoding, ForwardedField, ForwardedPreset } from './forwarded/forwarded-header.js';
export type { LoadedServerNameOptions, ServerNameOptions } from './material/server-names.js';
export type { CredentialsLoader, LoadedCredentials } from './material/credentials-loader.js';
export type { CaSource, CrlInForce, CrlSource, Source, SourceLoader } from './material/source-options.js';
export type { CertificatePolicy, PolicyInputOptions } from './judgement/certificate-policy.js';
export type { RevocationPolicy } from './revocation/revocation-policy.js';
export type { AuthorityState } from './server/authority-state.js';
export type {
  ConnectionState,
  Mtls,
  MtlsMessage,
  ProxyConnectionState,
  ProxyState,
  RevocationState,
  ServerCertificateState,
} from './server/mtls.js';
export type { AuthenticatedEvent, EvictedEvent, ForbiddenEvent, RefusedEvent } from './gate/events.js';
export type {
  ChangedCa,
  CrlExpiringEvent,
  MtlsEvents,
  RecoveredEvent,
  ReloadReport,
  ReplacedCertificate,
  StandingFault,
  TypedEventEmitter,
} from './server/events.js';
export type {
  ExplainedCheck,
  ExplainedCrl,
  ExplainedPath,
  ExplainedRule,
  Explanation,
} from './judgement/explanation.js';
export type { Explicable } from './server/explicable.js';
export type { RuleFinding } from './policy/rule-account.js';
export type { Refusal, RefusalReason, RevocationDetail } from './judgement/refusal.js';
export type { RevocationEntryState } from './revocation/revocation-state.js';

export { clientIdentity } from './express/client-identity.js';
export { clientOf } from './express/client-of.js';
export { forwardIdentity } from './express/forward-identity.js';
export { identify } from './gate/connection.js';
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
export { ErrorCode, type ErrorDetails, MtlsError } from './errors.js';
