/**
 * Paths in what the status page shows, without their folders.
 *
 * @module
 */

/** The last part of a path, of either kind. */
export function baseName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
}

// From a space or a quote on; what has a `=` before its first slash is a name such as `CN=a/b`.
const pathLike = /(?<![^\s"'(])[^\s"'=\\/]*[\\/][^\s"']*/g;

/** Cuts the folders off the paths in a message, and of a URL all that may be a secret. */
export function withoutFolders(message: string): string {
  return message.replace(pathLike, (path) =>
    baseName(path.includes('://') ? path.replace(/[?#].*$/, '') : path),
  );
}
