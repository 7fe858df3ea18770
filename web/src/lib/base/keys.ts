/** Random identifiers that also work on pages without a secure context, where `crypto.randomUUID` is missing. */

/** 128 random bits as 32 hex digits. */
export function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
