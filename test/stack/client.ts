/**
 * Clients of a project's server.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { Client } from '../support/client.js';
import type { Project, Served } from './project.js';

/** A client of a project, by its name. */
export function clientOf(project: Project, { port }: Pick<Served, 'port'>, name: string): Client {
  const read = (file: string): string => readFileSync(project.path('certs', `${file}.pem`), 'utf8');
  const certificate = { chainPem: read(`${name}-crt`), keyPem: read(`${name}-key`) };
  return new Client({ port, ca: read('ca-crt') }, certificate, { keepAlive: true });
}
