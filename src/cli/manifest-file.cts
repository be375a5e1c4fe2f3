/**
 * Where package.json is, seen from the built command. CommonJS as `src/material/worker-file.cts` is, and for the same reason.
 */
import path = require('node:path');

const manifestFile: string = path.join(__dirname, '../../../package.json');

export = manifestFile;
