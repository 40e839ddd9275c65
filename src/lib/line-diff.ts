/** More pairs of lines than this are not compared: what lies between the same beginning and end is then all changed. */
const mostPairs = 4_000_000;

/** A line of both texts, or of one. */
interface Line {
  readonly sign: ' ' | '-' | '+';
  readonly text: string;
}

/** What differs between two texts, in the unified form of `diff -u` without its first two lines; empty when nothing does. */
export function lineDiff(before: string, after: string, context = 3): string[] {
  const lines = compare(linesOf(before), linesOf(after));
  const near = lines.map((_, index) =>
    lines.slice(Math.max(0, index - context), index + context + 1).some(({ sign }) => sign !== ' '),
  );
  const result: string[] = [];
  let [from, to] = [1, 1];
  for (const [index, { sign, text }] of lines.entries()) {
    if (near[index]) {
      if (!near[index - 1]) {
        const end = near.indexOf(false, index);
        const hunk = lines.slice(index, end < 0 ? lines.length : end);
        const count = (other: '-' | '+') => hunk.filter((line) => line.sign !== other).length;
        result.push(`@@ -${from},${count('+')} +${to},${count('-')} @@`);
      }
      result.push(`${sign}${text}`);
    }
    if (sign !== '+') from += 1;
    if (sign !== '-') to += 1;
  }
  return result;
}

function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

function compare(before: readonly string[], after: readonly string[]): Line[] {
  const least = Math.min(before.length, after.length);
  let head = 0;
  while (head < least && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < least - head && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  const same = (texts: readonly string[]) => texts.map((text): Line => ({ sign: ' ', text }));
  return [
    ...same(before.slice(0, head)),
    ...middle(before.slice(head, before.length - tail), after.slice(head, after.length - tail)),
    ...same(before.slice(before.length - tail)),
  ];
}

/** The longest common lines stay; of what is changed, the old lines come first. */
function middle(before: readonly string[], after: readonly string[]): Line[] {
  const gone = (text: string): Line => ({ sign: '-', text });
  const come = (text: string): Line => ({ sign: '+', text });
  if (before.length * after.length > mostPairs) return [...before.map(gone), ...after.map(come)];
  const width = after.length + 1;
  const common = new Uint32Array((before.length + 1) * width);
  for (let row = before.length - 1; row >= 0; row -= 1) {
    for (let column = after.length - 1; column >= 0; column -= 1) {
      const at = row * width + column;
      const [below = 0, beside = 0, both = 0] = [
        common[at + width],
        common[at + 1],
        common[at + width + 1],
      ];
      common[at] = before[row] === after[column] ? both + 1 : Math.max(below, beside);
    }
  }
  const lines: Line[] = [];
  let [row, column] = [0, 0];
  while (row < before.length || column < after.length) {
    const [old, young] = [before[row], after[column]];
    const at = row * width + column;
    if (old !== undefined && old === young) {
      lines.push({ sign: ' ', text: old });
      row += 1;
      column += 1;
    } else if (
      old !== undefined &&
      (young === undefined || (common[at + width] ?? 0) >= (common[at + 1] ?? 0))
    ) {
      lines.push(gone(old));
      row += 1;
    } else {
      lines.push(come(young ?? ''));
      column += 1;
    }
  }
  return lines;
}
