import { ref } from 'vue'
import { describe, expect, it } from 'vitest'
import { NO_PICTURE, usePicture } from '../../src/use/use-picture'

describe('the picture of a product', () => {
  it('is a drawn basket where it cannot be loaded, and the next one is tried again', () => {
    const src = ref('/goods/gone.svg')
    const { shown, onError } = usePicture(() => src.value)
    expect(shown.value).toBe('/goods/gone.svg')
    onError()
    expect(shown.value).toBe(NO_PICTURE)
    src.value = '/goods/spinach.svg'
    expect(shown.value).toBe('/goods/spinach.svg')
  })
  it('is a drawn basket where the shop names none', () => {
    expect(usePicture(() => '').shown.value).toBe(NO_PICTURE)
  })
})
