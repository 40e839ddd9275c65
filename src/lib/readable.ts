/** What a guest wrote to its console, as lines safe for a terminal: no escape sequences, no controls, no empty lines. */
export function readableLines(text: string): string[] {
  return text
    .replace(/\u001b\][^\u0007\u001b]*(\u0007|\u001b\\)/g, '')
    .replace(/\u001b\[[0-9;?=]*[ -/]*[@-~]|\u001b[()#][A-Za-z0-9]|\u001b[A-Za-z0-9=>]/g, '')
    .split(/[\r\n]+/)
    .map((line) => line.replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}]/gu, '').trimEnd())
    .filter((line) => line !== '');
}
