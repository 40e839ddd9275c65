/** What stands in the place of a secret. */
export const redacted = '[redacted]';

/** Too short to be a secret, and in too many other words. */
const shortest = 6;

/** Every registered value with the forms it may have in a text. */
const known = new Map<string, readonly string[]>();

/** From now on this text leaves the process nowhere but where it belongs: `redact` takes it out of everything told. */
export function registerSecret(value: string): void {
  for (const part of partsOf(value)) if (!known.has(part)) known.set(part, formsOf(part));
}

/** Takes back `registerSecret`: this text turned out to be none. */
export function forgetSecret(value: string): void {
  for (const part of partsOf(value)) known.delete(part);
}

/**
 * A text without registered secrets, in whatever form: as they are, inside JSON, quoted for a shell, percent-encoded or
 * in base64. Passwords in URLs and what is given to a name such as API_TOKEN go too, registered or not.
 */
export function redact(text: string): string {
  return withoutPatterns(withoutValues(text));
}

/** True for the name of a variable or a key whose value is nobody's business. */
export function isSecretName(name: string): boolean {
  return secretName.test(name);
}

const word =
  'TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIALS?';
const secretName = new RegExp(`${word}|AUTHORIZATION|COOKIE`, 'i');
/** Up to the last @ before the path: a password may hold one itself. */
const urlPassword = /\b([a-z][a-z0-9+.-]*:\/\/[^\s/?#@:"']*):[^\s/?#"']+@/gi;
const assignment = new RegExp(
  `\\b(\\w*(?:${word})\\w*)=(?:\\\\*"[^"]*"|\\\\*'[^']*'|[^\\s'"\`]+)`,
  'gi',
);

function withoutPatterns(text: string): string {
  if (!text.includes('=') && !text.includes('://')) return text;
  return text.replace(urlPassword, `$1:${redacted}@`).replace(assignment, `$1=${redacted}`);
}

function withoutValues(text: string): string {
  const found: [start: number, end: number][] = [];
  for (const forms of known.values()) {
    for (const form of forms) {
      for (let at = text.indexOf(form); at >= 0; at = text.indexOf(form, at + 1))
        found.push([at, at + form.length]);
    }
  }
  if (found.length === 0) return text;
  // Secrets may overlap: what any of them covers goes.
  found.sort(([a], [b]) => a - b);
  let clean = '';
  let end = -1;
  for (const [from, to] of found) {
    if (from > end) clean += `${text.slice(Math.max(end, 0), from)}${redacted}`;
    end = Math.max(end, to);
  }
  return clean + text.slice(end);
}

/** The value, and its longer lines: a key of many lines is often told line by line. */
function partsOf(value: string): string[] {
  const lines = value.split(/[\r\n]+/).map((line) => line.trim());
  const parts = lines.length === 1 ? lines : lines.filter((line) => !line.startsWith('-----'));
  // What the mark itself says cannot be told from it.
  return [...new Set([value, ...parts])].filter(
    (part) => part.length >= shortest && !redacted.includes(part),
  );
}

function formsOf(value: string): string[] {
  const json = inJson(value);
  const ascii = json.replace(/[\u0080-\uffff]/g, (one) => `\\u${hex(one.charCodeAt(0), 4)}`);
  const uris = inUri(value);
  const forms = [
    ...[value, json, inJson(json), ascii],
    value.replaceAll("'", "'\\''"),
    // As the name of a VM or a file would be made of it.
    value.toLowerCase(),
    inName(value),
    ...uris,
    ...uris.map((uri) => uri.replace(/%../g, (code) => code.toLowerCase())),
    ...inBase64(value),
  ];
  return [...new Set(forms)].filter((form) => form.length >= shortest);
}

function inJson(value: string): string {
  return JSON.stringify(value).slice(1, -1);
}

function inName(value: string): string {
  const words = value
    .normalize('NFKD')
    .toLowerCase()
    .split(/[^a-z0-9]+/);
  return words
    .filter((word) => word !== '')
    .join('-')
    .slice(0, 56)
    .replace(/-+$/, '');
}

function inUri(value: string): string[] {
  // Half a surrogate pair has no such form.
  const whole = new TextDecoder('utf-8', { ignoreBOM: true }).decode(encode(value));
  const uri = encodeURIComponent(whole);
  const strict = uri.replace(/[!'()*]/g, (one) => `%${hex(one.charCodeAt(0), 2).toUpperCase()}`);
  return [uri, strict, strict.replaceAll('%20', '+'), encodeURI(whole)];
}

/** What is the same in any base64 that holds the value, whatever stands before and after it. */
function inBase64(value: string): string[] {
  const bytes = encode(value);
  return [0, 1, 2].flatMap((before) => {
    const padded = new Uint8Array(before + bytes.length);
    padded.set(bytes, before);
    const from = Math.ceil((before * 8) / 6);
    const to = Math.floor((padded.length * 8) / 6);
    const text = Buffer.from(padded).toString('base64').slice(from, to);
    return [text, text.replaceAll('+', '-').replaceAll('/', '_')];
  });
}

function encode(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

function hex(number: number, digits: number): string {
  return number.toString(16).padStart(digits, '0');
}
