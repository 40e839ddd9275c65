/** What one line of mmdebstrap's output means for a person who waits; `undefined` when it means nothing new. */
export type LineReader = (line: string) => string | undefined;

const stages: readonly [RegExp, string][] = [
  [/^I: running apt-get update/, 'reading package lists'],
  [/^I: downloading packages/, 'choosing the base packages'],
  [/^I: extracting archives/, 'unpacking the base system'],
  [/^I: installing essential packages/, 'installing the base system'],
  [/^I: installing remaining packages/, 'choosing the other packages'],
  [/^update-initramfs: Generating/, 'making the initial ramdisk'],
  [/^Generating locales/, 'generating locales'],
  [/^I: cleaning /, 'cleaning up'],
  [/^I: creating tarball/, 'packing the root file system'],
];

const counted: readonly [RegExp, string][] = [
  [/^Get:\d+ \S+ \S+ \S+ (\S+)/, 'downloading'],
  [/^Unpacking (\S+)/, 'unpacking'],
  [/^Setting up (\S+)/, 'configuring'],
];

/** Reads the output of `mmdebstrap --verbose` line by line and counts packages. */
export function createLineReader(): LineReader {
  let total = 0;
  const seen = new Map<string, number>();
  return (line) => {
    const news = /^\d+ upgraded, (\d+) newly installed/.exec(line);
    if (news !== null) {
      total = Number(news[1]);
      seen.clear();
      return undefined;
    }
    const stage = stages.find(([pattern]) => pattern.test(line));
    if (stage !== undefined) return stage[1];
    for (const [pattern, verb] of counted) {
      const name = pattern.exec(line)?.[1]?.replace(/:\w+$/, '');
      if (name === undefined || total === 0) continue;
      const count = Math.min(total, (seen.get(verb) ?? 0) + 1);
      seen.set(verb, count);
      return `${verb} ${count} of ${total} packages (${Math.floor((count / total) * 100)} %): ${name}`;
    }
    return undefined;
  };
}
