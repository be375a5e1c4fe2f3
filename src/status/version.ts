/**
 * The version of this package. A constant, because a bundled program has no package.json to read.
 *
 * @module
 */

/** As in package.json. */
export const version = '0.1.0';
