/**
 * Shortens the paths in texts of the status page.
 *
 * @module
 */

/** The last segment of a POSIX or Windows path. */
export function baseName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
}

// A path begins after a space, a quote or `(`. A word with a `=` before its first slash is a name such as `CN=a/b`.
const pathLike = /(?<![^\s"'(])[^\s"'=\\/]*[\\/][^\s"']*/g;

/** Removes the directories from paths in a message, and from a URL everything that may be secret. */
export function withoutFolders(message: string): string {
  return message.replace(pathLike, (path) =>
    baseName(path.includes('://') ? path.replace(/[?#].*$/, '') : path),
  );
}
