/**
 * The programs of the pages about frameworks, clients, test runners, CORS and tokens, with the packed package in one project.
 *
 * @module
 */
import { symlinkSync } from 'node:fs';
import { beforeAll, describe, jest } from '@jest/globals';
import { clientVersions, testClients } from './clients.js';
import { frameworkVersions, testFrameworks } from './frameworks.js';
import { Project } from './project.js';
import { runnerVersions, testRunners } from './runners.js';
import { testWeb, webVersions } from './web.js';

jest.setTimeout(300_000);

let project: Project;
beforeAll(async () => {
  project = await Project.install({
    express: '5.3.0',
    ...clientVersions,
    ...frameworkVersions,
    ...runnerVersions,
    ...webVersions,
  });
  // The folder of the pages.
  symlinkSync('certs', project.path('certs-dev'));
});
const projectOf = (): Project => project;

describe('clients', () => {
  testClients(projectOf);
});

describe('test runners', () => {
  testRunners(projectOf);
});

describe('frameworks', () => {
  testFrameworks(projectOf);
});

describe('CORS and tokens', () => {
  testWeb(projectOf);
});
