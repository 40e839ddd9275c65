declare const __VERSION__: string;

/** What `--version` prints. */
export function versionText(json: boolean): string {
  return json ? `${JSON.stringify({ version: __VERSION__ })}\n` : `${__VERSION__}\n`;
}
