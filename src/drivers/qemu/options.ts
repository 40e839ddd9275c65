/** A value inside a QEMU option string: a comma ends a value unless it is doubled (qemu(1)). */
export function escapeOption(value: string): string {
  return value.replaceAll(',', ',,');
}
