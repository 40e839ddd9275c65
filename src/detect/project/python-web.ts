import type { NeededRun } from '../../core/needs.ts';
import type { ProjectFile } from './reader.ts';
import { likely, nameOfFile } from './text.ts';

/** The files that say how a Python program is served. */
export const pythonPrograms = ['manage.py', 'app.py', 'wsgi.py', 'main.py', 'app/main.py'];

const unserved = ', but no file says which program is served: name it under `run`';

/** Whether a note only says that there is nothing to run: another file may have what is. */
export function isOfUnserved(note: string): boolean {
  return note.endsWith(unserved);
}

interface Found {
  readonly run: readonly NeededRun[];
  readonly notes: readonly string[];
}

/**
 * How a web project of Django, Flask or FastAPI is served while it is worked on. `python` is the beginning of the
 * command; `uses` says whether the project depends on something.
 */
export function pythonWeb(
  programs: readonly ProjectFile[],
  { python, uses }: { python: readonly string[]; uses: (name: string) => boolean },
): Found {
  const unit = (path: string, by: readonly string[], port: number): Found => {
    const finding = likely(path, `how ${frameworkOf(by)} serves it`);
    return {
      run: [{ name: 'web', command: [...python, ...by], env: {}, port, finding }],
      notes: [],
    };
  };
  for (const { path, text } of programs) {
    if (path === 'manage.py') {
      if (!/\bdjango\b/.test(text)) continue;
      const found = unit(path, ['manage.py', 'runserver', '0.0.0.0:8000'], 8000);
      const migrate = [...python, path, 'migrate'].join(' ');
      return { ...found, notes: [`the tables of its database are not made yet: ${migrate}`] };
    }
    const made =
      /^(\w{1,40})(?::[ \t]{0,5}[\w.]{1,40})?[ \t]{0,5}=[ \t]{0,5}(?:\w{1,40}\.)?(Flask|FastAPI)\(/m.exec(
        text,
      );
    if (made === null) continue;
    const [, name = '', framework = ''] = made;
    const module = path.replace(/\.py$/, '').replace('/', '.');
    if (framework === 'Flask' && uses('flask')) {
      const from = ['--app', `${module}:${name}`, 'run', '--host', '0.0.0.0', '--port', '5000'];
      return unit(path, ['-m', 'flask', ...from], 5000);
    }
    if (framework === 'FastAPI' && uses('uvicorn')) {
      const from = [`${module}:${name}`, '--host', '0.0.0.0', '--port', '8000'];
      return unit(path, ['-m', 'uvicorn', ...from], 8000);
    }
  }
  const used = ['django', 'fastapi', 'flask', 'gunicorn', 'uvicorn'].find(uses);
  const note = `it uses ${used}${unserved}`;
  return { run: [], notes: used === undefined ? [] : [note] };
}

function frameworkOf(by: readonly string[]): string {
  if (nameOfFile(by[0] ?? '') === 'manage.py') return 'Django';
  return by[1] === 'flask' ? 'Flask' : 'uvicorn';
}
