/**
 * A map of a few kilometres on a flat drawing: longitudes are shortened by the latitude, north is up.
 *
 * Angles in degrees (WGS 84), lengths on the drawing in its own units.
 */
export interface LatLon {
  latitude: number
  longitude: number
}
export interface Projection {
  x: (longitude: number) => number
  y: (latitude: number) => number
  at: (x: number, y: number) => LatLon
  /** Of one kilometre. */
  km: number
}
const KM_PER_DEGREE = 111.2
/** The least that a map shows, km: a single pin is not magnified without end. */
const SPAN_KM_MIN = 1

/** The projection that fits `points` into a drawing with a margin around them. */
export function fit(points: LatLon[], width: number, height: number, margin: number): Projection {
  const latitudes = points.map((point) => point.latitude)
  const longitudes = points.map((point) => point.longitude)
  const [south, north] = points.length ? [Math.min(...latitudes), Math.max(...latitudes)] : [0, 0]
  const [west, east] = points.length ? [Math.min(...longitudes), Math.max(...longitudes)] : [0, 0]
  const middle = { latitude: (south + north) / 2, longitude: (west + east) / 2 }
  // At a pole all longitudes are one point.
  const shortened = Math.max(0.01, Math.cos((middle.latitude * Math.PI) / 180))
  const least = SPAN_KM_MIN / KM_PER_DEGREE
  const scale = Math.min(
    (width - 2 * margin) / Math.max((east - west) * shortened, least),
    (height - 2 * margin) / Math.max(north - south, least),
  )
  return {
    x: (longitude) => width / 2 + (longitude - middle.longitude) * shortened * scale,
    y: (latitude) => height / 2 - (latitude - middle.latitude) * scale,
    at: (x, y) => ({
      latitude: middle.latitude - (y - height / 2) / scale,
      longitude: middle.longitude + (x - width / 2) / scale / shortened,
    }),
    km: scale / KM_PER_DEGREE,
  }
}

/** A round number of kilometres that is at most `length` long on the drawing. */
export function scaleBar(km: number, length: number): number {
  const most = length / km
  const power = 10 ** Math.floor(Math.log10(most))
  return power * ([5, 2, 1].find((step) => step * power <= most) ?? 1)
}
