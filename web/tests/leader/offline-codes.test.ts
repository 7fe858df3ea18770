import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type OfflineCodes, check, digestOf, isSigned } from '../../src/lib/leader/offline-codes'

const PATH = join(import.meta.dirname, '..', '..', '..', 'tests', 'vectors', 'signed_pickup_codes.json')
const VECTOR = JSON.parse(readFileSync(PATH, 'utf8')) as Record<
  'public_key' | 'store_id' | 'code' | 'text' | 'digest',
  string
> & { iterations: number }
const { subtle } = crypto
const open = { order_id: 'o1', household_id: 'h1', store_id: VECTOR.store_id, digest: VECTOR.digest }
const other = { ...open, order_id: 'o2', digest: '00' }
const known = (...codes: (typeof open)[]): OfflineCodes => ({
  public_key: VECTOR.public_key,
  iterations: VECTOR.iterations,
  codes,
})

describe('codes without a network', () => {
  it('are known by the signature and the digest of the vector', async () => {
    const signature = VECTOR.text.split('.')[1] ?? ''
    const { store_id, code, public_key } = VECTOR
    expect(await isSigned(store_id, code, signature, public_key, subtle)).toBe(true)
    expect(await isSigned('s2', code, signature, public_key, subtle)).toBe(false)
    expect(await digestOf(store_id, code, VECTOR.iterations, subtle)).toBe(VECTOR.digest)
  })
  it('are found among the open ones, scanned or typed', async () => {
    const found = { kind: 'open', code: open }
    expect(await check(VECTOR.text, known(other, open), subtle)).toEqual(found)
    expect(await check(VECTOR.code.toLowerCase(), known(other, open), subtle)).toEqual(found)
  })
  it('are good by their signature where the list is older, and unknown without it', async () => {
    expect(await check(VECTOR.text, known(other), subtle)).toEqual({ kind: 'signed' })
    expect(await check(VECTOR.code, known(other), subtle)).toEqual({ kind: 'unknown' })
    const forged = VECTOR.text.replace(/^./, '9')
    expect(await check(forged, known(other, open), subtle)).toEqual({ kind: 'unknown' })
  })
})
