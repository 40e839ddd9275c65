/** The distributions that packages are known of, by the names of their images. */
export const releases = ['debian:12', 'debian:13', 'ubuntu:22.04', 'ubuntu:24.04'] as const;

export type Release = (typeof releases)[number];

/** The distribution that an image is of, or `undefined`: a file or a URL may hold anything. */
export function releaseOf(image: string): Release | undefined {
  const name = image.replace(/^bootstrap:/, '');
  return releases.find((release) => release === name);
}
