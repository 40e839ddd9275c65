import { parseVmName, type VmName } from '../core/name.ts';
import { parseBytes } from '../lib/bytes.ts';
import { parseDuration } from '../lib/duration.ts';
import type { ArgumentSpec } from './command.ts';
import type { Flag, Value } from './option.ts';

// What several commands share.

export const vmArgument = {
  summary: 'name of a VM, or path of a project or its file; default: this directory',
} as const satisfies ArgumentSpec;

export const userFlag = {
  kind: 'flag',
  summary: "use the user's own session of the driver (qemu always does)",
} as const satisfies Flag;

export const noWaitFlag = {
  kind: 'flag',
  negated: true,
  summary: 'return when a command can run, before the ports answer',
} as const satisfies Flag;

/** An option that takes a size such as 2G, as bytes. */
export function sizeOption(summary: string): Value<number> {
  return { kind: 'value', value: 'SIZE', summary, parse: parseBytes };
}

/** An option that takes a duration such as 90s, as milliseconds. */
export function durationOption(summary: string): Value<number> {
  return { kind: 'value', value: 'TIME', summary, parse: parseDuration };
}

/** An option that takes a whole number, `least` or more. */
export function countOption(summary: string, least: number): Value<number> {
  return { kind: 'value', value: 'N', summary, parse: (text) => parseCount(text, least) };
}

/** An option that takes any text but none. */
export function textOption(value: string, summary: string): Value<string> {
  return { kind: 'value', value, summary, parse: parseText };
}

/** An option that takes the name of a VM. */
export function nameOption(summary: string): Value<VmName> {
  return { kind: 'value', value: 'NAME', summary, parse: parseVmName };
}

/** A whole number, `least` or more. */
export function parseCount(text: string, least: number): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : -1;
  if (count < least) throw new RangeError(`is not a whole number of at least ${least}`);
  return count;
}

/** A TCP port. */
export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw new RangeError('is not a port: 1 to 65535');
  return port;
}

function parseText(text: string): string {
  if (text === '') throw new RangeError('is empty');
  return text;
}

/** The properties that have a value. */
export function given<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const present = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
