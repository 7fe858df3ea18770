import { describe, expect, it } from 'vitest'
import { cameraTrouble } from '../../src/lib/media/camera'

describe('camera trouble', () => {
  it.each([
    ['NotAllowedError', 'denied'],
    ['NotFoundError', 'missing'],
    ['NotReadableError', 'busy'],
    ['AbortError', 'busy'],
  ])('%s is %s', (name, trouble) => expect(cameraTrouble(name)).toBe(trouble))
})
