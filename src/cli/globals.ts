import type { OptionSpecs, OptionValues } from './option.ts';

/** The options of every command. */
export const globalOptions = {
  json: { kind: 'flag', summary: 'print one JSON document to stdout, errors too' },
  quiet: { kind: 'flag', short: 'q', summary: 'no progress, only warnings and errors' },
  verbose: {
    kind: 'flag',
    short: 'v',
    summary: 'show what is done in detail, and the stack of an error',
  },
  logFormat: {
    kind: 'value',
    value: 'FORMAT',
    summary: 'pretty or json: the log on stderr; default: pretty on a terminal',
    parse: parseFormat,
  },
  color: { kind: 'flag', negated: true, summary: 'no colours; so does NO_COLOR' },
  yes: { kind: 'flag', short: 'y', summary: 'answer every question with yes' },
  trust: { kind: 'flag', summary: 'let the configuration reach outside its project, from now on' },
  driver: {
    kind: 'value',
    value: 'NAME',
    summary: 'hypervisor driver of a new VM; so does CLONEBOX_DRIVER',
    parse: (text) => text,
  },
  help: { kind: 'flag', short: 'h', summary: 'show help' },
  version: { kind: 'flag', short: 'V', summary: 'show the version' },
} as const satisfies OptionSpecs;

function parseFormat(text: string): 'pretty' | 'json' {
  if (text === 'pretty' || text === 'json') return text;
  throw new RangeError('is not a format: pretty or json');
}

export type Globals = OptionValues<typeof globalOptions>;
