/** Fails when the viewer page's own JavaScript, compressed, is larger than a phone on a bad line should fetch. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

/** Bytes, gzip. */
const ROOM_SCRIPT_MAX = 150_000

const dist = join(import.meta.dirname, '..', 'dist')
const manifestFile = join(dist, '.vite', 'manifest.json')
if (!existsSync(manifestFile)) {
  console.error('web/dist is not built: run `npm run build` first')
  process.exit(1)
}
const manifest = JSON.parse(readFileSync(manifestFile, 'utf8'))

/** Everything an entry loads at once, itself included. */
function chunksOf(key, seen = new Set()) {
  if (seen.has(key)) return seen
  seen.add(key)
  for (const imported of manifest[key].imports ?? []) chunksOf(imported, seen)
  return seen
}
const size = (file) => gzipSync(readFileSync(join(dist, file)), { level: 9 }).length
const script = [...chunksOf('room.html')].reduce((sum, key) => sum + size(manifest[key].file), 0)
const style = [...chunksOf('room.html')]
  .flatMap((key) => manifest[key].css ?? [])
  .reduce((sum, file) => sum + size(file), 0)
console.log(
  `viewer page: ${(script / 1000).toFixed(1)} kB script, ${(style / 1000).toFixed(1)} kB style (gzip); limit ${ROOM_SCRIPT_MAX / 1000} kB script`,
)
process.exit(script > ROOM_SCRIPT_MAX ? 1 : 0)
