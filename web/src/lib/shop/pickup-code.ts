/**
 * Pickup codes as typed or pasted, by the rules of commerce/orders/pickup.py: full-width keyboards, any dashes, spaces
 * and line breaks, and the letters Crockford's base 32 reads as digits. tests/vectors/pickup_codes.json binds both.
 */

/** Nine symbols of Crockford's base 32 (no I L O U). */
const CODE = /^[0-9A-HJKMNP-TV-Z]{9}$/

/** What a QR has behind the code: 64 bytes in base64url. */
const SIGNATURE = /\.[A-Za-z0-9_-]{86}\s*$/

/** `abcd-efgho` → `ABCDEFGH0`: the letters and digits that were typed. */
export function normaliseCode(typed: string): string {
  return typed
    .replace(SIGNATURE, '')
    .normalize('NFKC')
    .toUpperCase()
    .replace(/[^0-9A-Z]/g, '')
    .replace(/O/g, '0')
    .replace(/[IL]/g, '1')
}

/** The code that was typed, null when it cannot be one. */
export function readCode(typed: string): string | null {
  const code = normaliseCode(typed)
  return CODE.test(code) ? code : null
}

/** In groups of four, as printed on the buyer's page. */
export function groupedCode(typed: string): string {
  return (
    normaliseCode(typed)
      .match(/.{1,4}/g)
      ?.join('-') ?? ''
  )
}
