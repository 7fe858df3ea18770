/** Pickup codes as typed: any case, any dashes or spaces, and the letters Crockford's base 32 reads as digits. */

/** `abcd-efgho` → `ABCDEFGH0`: what identifies the code. */
export function normaliseCode(typed: string): string {
  return typed
    .toUpperCase()
    .replace(/[^0-9A-Z]/g, '')
    .replace(/O/g, '0')
    .replace(/[IL]/g, '1')
}

/** In groups of four, as printed on the buyer's page. */
export function groupedCode(typed: string): string {
  return (
    normaliseCode(typed)
      .match(/.{1,4}/g)
      ?.join('-') ?? ''
  )
}
