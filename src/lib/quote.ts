/** One word of a POSIX shell (IEEE Std 1003.1, 2.2.2): nothing in it is special. */
export function shellQuote(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** One word of a systemd unit's command line or assignment (systemd.service(5), systemd.syntax(7)). */
export function systemdQuote(word: string): string {
  const escaped = word
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('%', '%%')
    .replace(
      /[\u0000-\u001f\u007f]/g,
      (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
    );
  return `"${escaped}"`;
}

/** One value of ssh_config(5) or of `ssh -o`. */
export function sshConfigQuote(value: string): string {
  return /[\s"'%\\#]/.test(value)
    ? `"${value.replaceAll('%', '%%').replace(/["\\]/g, '\\$&')}"`
    : value;
}
