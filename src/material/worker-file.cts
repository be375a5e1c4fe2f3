/**
 * The path of the worker's file. CommonJS, even if the TypeScript source is run directly: the build has no `import.meta`,
 * and an ES module has no `__dirname`.
 */
import path = require('node:path');

const workerFile: string = path.join(__dirname, 'crl-worker.js');

export = workerFile;
