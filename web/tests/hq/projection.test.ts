import { describe, expect, it } from 'vitest'
import { fit, scaleBar } from '../../src/lib/hq/projection'

const HANGZHOU = { latitude: 30.2741, longitude: 120.1551 }
const NINGBO = { latitude: 29.8683, longitude: 121.544 }

describe('the projection of a map', () => {
  it('has all points within its margin, north up and east to the right', () => {
    const map = fit([HANGZHOU, NINGBO], 720, 400, 28)
    for (const { latitude, longitude } of [HANGZHOU, NINGBO]) {
      expect(map.x(longitude)).toBeGreaterThanOrEqual(28 - 1e-6)
      expect(map.x(longitude)).toBeLessThanOrEqual(692 + 1e-6)
      expect(map.y(latitude)).toBeGreaterThanOrEqual(28 - 1e-6)
      expect(map.y(latitude)).toBeLessThanOrEqual(372 + 1e-6)
    }
    expect(map.y(HANGZHOU.latitude)).toBeLessThan(map.y(NINGBO.latitude))
    expect(map.x(HANGZHOU.longitude)).toBeLessThan(map.x(NINGBO.longitude))
  })

  it('finds the place of a point on it', () => {
    const map = fit([HANGZHOU, NINGBO], 720, 400, 28)
    const at = map.at(map.x(120.5), map.y(30.1))
    expect(at.latitude).toBeCloseTo(30.1, 9)
    expect(at.longitude).toBeCloseTo(120.5, 9)
  })

  it('shows a kilometre around a single pin, and something without any', () => {
    expect(fit([HANGZHOU], 720, 400, 0).km).toBeCloseTo(400)
    expect(fit([], 720, 400, 0).at(360, 200)).toEqual({ latitude: 0, longitude: 0 })
    expect(fit([{ latitude: 90, longitude: 0 }], 720, 400, 28).x(0)).toBe(360)
  })

  it('has a scale bar of a round length', () => {
    expect(scaleBar(400, 180)).toBeCloseTo(0.2)
    expect(scaleBar(10, 180)).toBe(10)
    expect(scaleBar(1.7, 180)).toBe(100)
  })
})
