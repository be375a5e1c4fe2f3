/**
 * Commands to copy into a shell, for remedies.
 *
 * @module
 */

/** A command line. Words that a POSIX shell would not take literally are quoted. */
export function shellCommand(...words: readonly string[]): string {
  return words.map(quote).join(' ');
}

/** The command that moves a file or a folder away, so that another can take its place. */
export function moveAway(place: string): string {
  const name = place.replace(/[/\\]+$/, '');
  return shellCommand('mv', name, `${name}.old`);
}

function quote(word: string): string {
  return /^[\w%+,./:=@~-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
