import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isDue, mediaTime } from '../../src/lib/media/program-time'

const VECTORS = join(import.meta.dirname, '..', '..', '..', 'tests', 'vectors', 'program_time.json')
const examples = JSON.parse(readFileSync(VECTORS, 'utf8')) as { program_ms: number; media_time: number }[]

describe('program time', () => {
  it.each(examples)('$program_ms ms is $media_time, as in Python', ({ program_ms, media_time }) => {
    expect(mediaTime(program_ms)).toBe(media_time)
  })

  it('is due from half a frame before its own frame on', () => {
    expect(isDue(90_000, 86_000)).toBe(false)
    expect(isDue(90_000, 87_500)).toBe(true)
    expect(isDue(90_000, 180_000)).toBe(true)
  })

  it('goes on where 32 bits begin anew', () => {
    expect(isDue(45_000, 2 ** 32 - 45_000)).toBe(false)
    expect(isDue(2 ** 32 - 45_000, 45_000)).toBe(true)
  })

  it('is due at once where it is of another clock', () => {
    expect(isDue(mediaTime(60_000), 0)).toBe(true)
  })
})
