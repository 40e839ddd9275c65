import { lookup } from 'node:dns/promises';
import { arch, constants, cpus, homedir, hostname, setPriority, totalmem, userInfo } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Host, HostUser } from '../core/host.ts';
import * as daemons from './daemons.ts';
import { fetchUrl, writeStream } from './download.ts';
import { canOpen, localFiles } from './files.ts';
import { isLocked, lock } from './locks.ts';
import { createLogFile } from './log-file.ts';
import * as processes from './processes.ts';
import { missingProgram, which } from './programs.ts';
import { canBind, connectLines, listenOnce, portAnswers } from './sockets.ts';
import { stream } from './stream.ts';
import { joinTerminal } from './terminal.ts';
import { openPlace, openTree } from './tree/open-tree.ts';

function readUser(env: NodeJS.ProcessEnv): HostUser {
  const info = userInfo();
  return {
    name: info.username,
    uid: info.uid,
    gid: info.gid,
    home: env.HOME ?? homedir(),
    shell: info.shell ?? '/bin/sh',
  };
}

/** This very machine, reached directly. */
export function createHost(env: NodeJS.ProcessEnv = process.env): Host {
  return {
    env,
    user: readUser(env),
    architecture: arch(),
    cpuCount: cpus().length,
    yieldProcessors: () => setPriority(constants.priority.PRIORITY_LOW),
    memoryBytes: totalmem(),
    hostname: hostname(),
    files: localFiles,
    openTree,
    openPlace,
    lookUp: async (name) => {
      const found = await lookup(name, { all: true }).catch(() => []);
      return found.map(({ address }) => address);
    },
    now: Date.now,
    sleep: async (milliseconds, signal) => {
      await delay(milliseconds, undefined, { signal }).catch(() => signal.throwIfAborted());
    },
    setVariable: (name, value) => {
      for (const one of [env, process.env]) {
        if (value === undefined) delete one[name];
        else one[name] = value;
      }
    },
    which: (program, extraPlaces) => which(program, env.PATH, extraPlaces),
    require: async (program) => {
      const path = await which(program, env.PATH);
      if (path === undefined) throw missingProgram(program);
      return path;
    },
    run: processes.run,
    stream,
    runAttached: processes.runAttached,
    startDaemon: daemons.startDaemon,
    startFedDaemon: daemons.startFedDaemon,
    processRef: async (pid) => processes.processRef(pid),
    isAlive: async (ref) => processes.isAlive(ref),
    processesMentioning: processes.processesMentioning,
    processAge: processes.processAge,
    kill: async (ref, signal) => processes.kill(ref, signal),
    processMemory: processes.processMemory,
    lock,
    isLocked,
    logFile: createLogFile,
    canOpen,
    connect: connectLines,
    listenOnce,
    joinTerminal,
    canBind,
    portAnswers,
    fetch: fetchUrl,
    writeStream,
  };
}
