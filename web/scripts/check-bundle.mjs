/** Fails when the viewer page's own JavaScript is too large for a phone on mobile data, or a page loads the words of another. */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

/** Bytes, gzip. */
const ROOM_SCRIPT_MAX = 150_000
/** What a viewer loads before the first frame can be asked for, bytes, as the server sends it to browsers (brotli). */
const FIRST_FRAME_MAX = 116_000
const ENTRIES = {
  home: 'index.html',
  room: 'room.html',
  replay: 'replay.html',
  me: 'me.html',
  host: 'host.html',
  store: 'store.html',
  leader: 'leader.html',
  hq: 'hq.html',
  invite: 'invite.html',
}
/** Shorter texts may be those of a library, characters. */
const OWN_WORDS_FROM = 3
/** Word files that several pages share. */
const SHARED = ['common', 'live', 'shop', 'staff']

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')
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

/** The size of a file of the build as it is sent: its brotli form where there is one. */
const sent = (file) => {
  const path = join(dist, file)
  return readFileSync(existsSync(`${path}.br`) ? `${path}.br` : path).length
}
const roomFiles = [...chunksOf('room.html')].flatMap((key) => [
  manifest[key].file,
  ...(manifest[key].css ?? []),
])
/** The largest picture that a shop's product may have. */
const picture = readdirSync(join(dist, 'goods'))
  .filter((name) => name.endsWith('.svg'))
  .map((name) => `goods/${name}`)
  .reduce((largest, name) => (sent(name) > sent(largest) ? name : largest))
const firstFrame = [...new Set(['room.html', 'goods/logo.svg', picture, ...roomFiles])].reduce(
  (sum, file) => sum + sent(file),
  0,
)

/** The Chinese texts of a word file: no text of the code itself looks like one. */
function textsOf(name) {
  const source = readFileSync(join(root, 'src', 'i18n', `${name}.zh.ts`), 'utf8')
  const texts = [...source.matchAll(/^ {4}\w+:\s*'([^']+)',$/gm)].map(([, text]) => text)
  return texts.filter((text) => /[一-鿿]/.test(text))
}
const codeOf = (entry) =>
  [...chunksOf(entry)].map((key) => readFileSync(join(dist, manifest[key].file), 'utf8')).join('\n')

const problems = []
const worker = readFileSync(join(dist, 'sw.js'), 'utf8')
if (/\bimport\b|\bexport\b|__BUILD__/.test(worker)) problems.push('sw.js is not one script')
for (const file of roomFiles) if (!worker.includes(`/${file}`)) problems.push(`sw.js does not keep ${file}`)
if (firstFrame > FIRST_FRAME_MAX)
  problems.push(
    `the viewer page loads ${firstFrame} B before the first frame, more than ${FIRST_FRAME_MAX} B`,
  )
for (const file of roomFiles)
  if (size(file) > 1000 && !existsSync(join(dist, `${file}.br`))) problems.push(`${file} is not compressed`)
if (script > ROOM_SCRIPT_MAX) problems.push(`the viewer page has more than ${ROOM_SCRIPT_MAX} B of script`)
for (const [page, entry] of Object.entries(ENTRIES)) {
  if (page !== 'hq' && /\bel-(button|dialog|overlay)\b/.test(codeOf(entry)))
    problems.push(`${page}: loads Element Plus, which is for the head office only`)
  const code = codeOf(entry)
  const own = [page, ...SHARED].flatMap(textsOf)
  const missing = textsOf(page).filter((text) => !code.includes(text))
  if (missing.length > 0 || textsOf(page).length === 0)
    problems.push(`${page}: its words are not in its bundle: ${missing.slice(0, 3).join(' ')}`)
  for (const other of Object.keys(ENTRIES).filter((name) => name !== page)) {
    const foreign = textsOf(other).filter(
      (text) => text.length >= OWN_WORDS_FROM && !own.some((known) => known.includes(text)),
    )
    const loaded = foreign.filter((text) => code.includes(text))
    if (loaded.length > 0) problems.push(`${page}: loads words of ${other}: ${loaded.slice(0, 3).join(' ')}`)
  }
}
console.log(
  `viewer page: ${(script / 1000).toFixed(1)} kB script, ${(style / 1000).toFixed(1)} kB style (gzip), ${(firstFrame / 1000).toFixed(1)} kB sent before the first frame; limit ${ROOM_SCRIPT_MAX / 1000} kB script, ${FIRST_FRAME_MAX / 1000} kB sent`,
)
for (const problem of problems) console.error(problem)
process.exit(problems.length > 0 ? 1 : 0)
