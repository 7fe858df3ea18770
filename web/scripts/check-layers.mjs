/**
 * Fails when a layer reaches back (pages → parts → use → lib), when a page or its parts import those of another, when lib/
 * touches the page, or when text is put in as HTML.
 */
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'

const SOURCE = join(import.meta.dirname, '..', 'src')
/** Which folders of src/ a folder may import; every folder may import itself, unless it is divided below. */
const MAY_IMPORT = {
  lib: [],
  i18n: ['lib'],
  use: ['lib', 'i18n'],
  parts: ['use', 'lib'],
  pages: ['parts', 'use', 'lib', 'i18n'],
  styles: [],
  worker: [],
}
/** The folders of lib/, bottom up. */
const LIB_MAY_IMPORT = {
  base: [],
  media: ['base'],
  room: ['base'],
  shop: ['base', 'room'],
  hq: ['base', 'shop'],
  leader: ['base', 'room', 'shop'],
}
/** Which folders of parts/ a folder or a page may import beside its own; the shared ones are `ui`, `chat`, `lucky-bag`, `goods`, `activities`, `groups`, `moderation`, `cohosts`, `schedule`, `next-room`, `push`, `shop`, `staff`. */
const PARTS_MAY_IMPORT = {
  ui: [],
  chat: ['ui'],
  'lucky-bag': ['ui'],
  groups: ['ui'],
  coupons: ['ui'],
  cohosts: ['ui'],
  moderation: ['ui', 'cohosts'],
  activities: ['ui', 'lucky-bag', 'goods', 'coupons'],
  schedule: ['ui'],
  'next-room': ['ui'],
  push: ['ui'],
  shop: ['ui', 'coupons'],
  goods: ['ui', 'shop'],
  staff: ['ui'],
  home: ['ui'],
  room: ['ui', 'chat', 'shop', 'activities', 'groups', 'moderation', 'schedule', 'goods', 'next-room'],
  replay: ['ui', 'chat', 'shop'],
  me: ['ui', 'shop', 'push', 'coupons'],
  host: [
    'ui',
    'chat',
    'shop',
    'staff',
    'activities',
    'groups',
    'moderation',
    'schedule',
    'goods',
    'next-room',
    'cohosts',
  ],
  store: ['ui', 'shop', 'staff'],
  leader: ['ui', 'shop', 'staff'],
  hq: ['ui', 'staff'],
  invite: ['ui', 'staff'],
}
const PAGE_GLOBALS =
  /\b(document|window|localStorage|navigator|location|setTimeout|setInterval|WebSocket)\b[.(]/
const LINES_MAX = 400
/** Written by `python -m server.ws.schema`, as long as the protocol is. */
const GENERATED = 'lib/base/wire.ts'

const problems = []

/** Whether the file in `from` may import the one in `to`, both as parts of a path below src/. */
function allowed(from, to) {
  const [layer, folder] = from
  const [target, targetFolder] = to
  if (layer === 'lib' && target === 'lib') return isWithin(LIB_MAY_IMPORT, folder, targetFolder)
  if (layer === 'parts' && target === 'parts') return isWithin(PARTS_MAY_IMPORT, folder, targetFolder)
  if (layer === 'pages' && target === 'parts') return isWithin(PARTS_MAY_IMPORT, folder, targetFolder)
  if (layer === 'pages' && target === 'pages') return folder === targetFolder
  if (layer === 'pages' && target === 'i18n') return [folder, undefined].includes(targetFolder)
  if (layer === 'use' && target === 'styles') return folder === 'mount.ts'
  // Words that join a page's later have a file of their own in use/.
  if (layer === 'use' && target === 'i18n')
    return targetFolder === undefined || folder === `use-${targetFolder.split('.')[0]}-words.ts`
  return layer === target || MAY_IMPORT[layer].includes(target)
}
function isWithin(rules, folder, target) {
  return folder === target || (rules[folder]?.includes(target) ?? false)
}

for (const file of readdirSync(SOURCE, { recursive: true }).map(String)) {
  const path = join(SOURCE, file)
  if (!/\.(ts|vue|css)$/.test(file)) continue
  const text = readFileSync(path, 'utf8')
  const parts = file.split('/')
  if (file !== GENERATED && text.split('\n').length > LINES_MAX)
    problems.push(`${file}: longer than ${LINES_MAX} lines`)
  if (/v-html|innerHTML|insertAdjacentHTML/.test(text))
    problems.push(`${file}: puts text into the page as HTML`)
  for (const [, from] of text.matchAll(/(?:from |import |import\()'(\.[^']+)'/g)) {
    const target = join(path, '..', from)
    if (
      ![target, `${target}.ts`].some(
        (name) => existsSync(name) && (statSync(name).isFile() || /i18n$/.test(name)),
      )
    )
      problems.push(`${file}: there is no ${from}`)
    if (!allowed(parts, relative(SOURCE, target).split('/')))
      problems.push(`${file}: must not import ${from}`)
  }
  if (/\b(local|session)Storage\b/.test(text) && file !== 'use/storage.ts')
    problems.push(`${file}: storage may throw: use use/storage.ts`)
  if (parts[0] !== 'lib') continue
  const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')
  const global = code.match(PAGE_GLOBALS)
  if (global) problems.push(`${file}: lib/ must not know ${global[1]}`)
  if (/from '(vue|vant|vue-i18n)'/.test(code)) problems.push(`${file}: lib/ must not import a framework`)
}
for (const problem of problems) console.error(problem)
process.exit(problems.length > 0 ? 1 : 0)
