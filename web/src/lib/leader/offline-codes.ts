/**
 * Checks pickup codes without a network, by the rules of commerce/leaders/codes.py: the signature of a QR, and the slow
 * digest of a code that was typed. tests/vectors/signed_pickup_codes.json binds both.
 */
import { readCode } from '../shop/pickup-code'

const SIGNATURE = /\.([A-Za-z0-9_-]{86})\s*$/
const DIGEST_BYTES = 16

/** A code that may be used; not the code itself. */
export interface OpenCode {
  order_id: string
  household_id: string
  store_id: string
  digest: string
}
export interface OfflineCodes {
  public_key: string
  iterations: number
  codes: OpenCode[]
}
/** `signed`: the server made this code, though it is not among the open ones that this phone knows. */
export type Verdict = { kind: 'open'; code: OpenCode } | { kind: 'signed' } | { kind: 'unknown' }

/** What a phone can say of a text that was scanned or typed. */
export async function check(text: string, known: OfflineCodes, subtle: SubtleCrypto): Promise<Verdict> {
  const code = readCode(text)
  if (!code) return { kind: 'unknown' }
  const stores = [...new Set(known.codes.map((one) => one.store_id))]
  for (const store of stores) {
    const digest = await digestOf(store, code, known.iterations, subtle)
    const open = known.codes.find((one) => one.store_id === store && one.digest === digest)
    if (open) return { kind: 'open', code: open }
  }
  const signature = SIGNATURE.exec(text)?.[1]
  if (!signature) return { kind: 'unknown' }
  for (const store of stores)
    if (await isSigned(store, code, signature, known.public_key, subtle)) return { kind: 'signed' }
  return { kind: 'unknown' }
}

/** The digest by which a typed code is known, in hexadecimal. */
export async function digestOf(
  store: string,
  code: string,
  iterations: number,
  subtle: SubtleCrypto,
): Promise<string> {
  const key = await subtle.importKey('raw', bytes(code), 'PBKDF2', false, ['deriveBits'])
  const salt = bytes(`linli pickup 1\n${store}`)
  const bits = await subtle.deriveBits(
    { name: 'PBKDF2', hash: 'SHA-256', salt, iterations },
    key,
    DIGEST_BYTES * 8,
  )
  return [...new Uint8Array(bits)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** Whether the server signed this code of a store; false where the browser has no Ed25519. */
export async function isSigned(
  store: string,
  code: string,
  signature: string,
  publicKey: string,
  subtle: SubtleCrypto,
): Promise<boolean> {
  try {
    const key = await subtle.importKey('raw', fromBase64(publicKey), { name: 'Ed25519' }, false, ['verify'])
    const message = bytes(`linli pickup 1\n${store}\n${code}`)
    return await subtle.verify({ name: 'Ed25519' }, key, fromBase64(signature), message)
  } catch {
    return false
  }
}

const bytes = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(new TextEncoder().encode(text))
function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const plain = atob(text.replace(/-/g, '+').replace(/_/g, '/'))
  return Uint8Array.from(plain, (char) => char.charCodeAt(0))
}
