/**
 * The path of package.json, relative to the built command. CommonJS for the same reason as
 * `src/material/worker-file.cts`.
 */
import path = require('node:path');

const manifestFile: string = path.join(__dirname, '../../../package.json');

export = manifestFile;
