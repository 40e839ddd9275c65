import type { Image } from '../../core/image.ts';
import { formatBytes } from '../../lib/bytes.ts';
import { printable } from '../../lib/printable.ts';

/** One line about an image that is now in the cache. */
export function renderImage(image: Image): string[] {
  const { reference, digest, size } = image;
  return [
    `${printable(reference, 4096)} is in the cache: ${digest.slice(0, 12)}, ${formatBytes(size)}`,
  ];
}
