/**
 * A line of an EnvironmentFile= (systemd.exec(5)) that is read back as this very text; `undefined` for one that systemd
 * refuses in a variable: a control character other than tab and newline.
 */
export function environmentLine(name: string, text: string): string | undefined {
  if (/[\x00-\x08\x0b-\x1f\x7f]/.test(text)) return undefined;
  return `${name}="${text.replace(/["\\`$]/g, '\\$&')}"`;
}
