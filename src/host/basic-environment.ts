const basics = new Set([
  ...['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LANGUAGE', 'TZ', 'TMPDIR'],
  ...['XDG_RUNTIME_DIR', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'XDG_CACHE_HOME'],
]);

/**
 * What a program needs of an environment and nothing else. One that lives on keeps its variables for everybody of the same
 * user to read in /proc/PID/environ: those of the shell that it was started from may be secrets.
 */
export function basicEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => basics.has(name) || /^LC_[A-Z]+$/.test(name)),
  );
}
