/**
 * Where the worker's file is. CommonJS also where the source is run as it stands: `import.meta` is not to be had in
 * what is built, and `__dirname` not in an ES module.
 */
import path = require('node:path');

const workerFile: string = path.join(__dirname, 'crl-worker.js');

export = workerFile;
