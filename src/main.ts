#!/usr/bin/env node
import { runCli } from './cli/cli.ts';
import { leave, processTerminal } from './cli/terminal.ts';

const terminal = processTerminal();
await leave(await runCli(process.argv.slice(2), terminal), terminal);
