/**
 * Where the worker's file is. The one CommonJS file: `import.meta` is not to be had
 * in the CommonJS build, and `__dirname` not in the other.
 */
import path = require('node:path');

const workerFile: string = path.join(__dirname, 'crl-worker.js');

export = workerFile;
