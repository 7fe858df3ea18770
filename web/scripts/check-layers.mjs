/** Fails when a layer reaches back (pages → parts → use → lib), when lib/ touches the page, or when text is put in as HTML. */
import { readFileSync, readdirSync } from 'node:fs'
import { join, relative } from 'node:path'

const SOURCE = join(import.meta.dirname, '..', 'src')
const MAY_IMPORT = {
  lib: ['lib'],
  i18n: ['i18n', 'lib'],
  use: ['use', 'lib', 'i18n', 'styles'],
  parts: ['parts', 'use', 'lib', 'i18n', 'styles'],
  pages: ['pages', 'parts', 'use', 'lib', 'i18n', 'styles'],
}
const PAGE_GLOBALS =
  /\b(document|window|localStorage|navigator|location|setTimeout|setInterval|WebSocket)\b[.(]/
const LINES_MAX = 400

const problems = []
for (const file of readdirSync(SOURCE, { recursive: true }).map(String)) {
  if (!/\.(ts|vue|css)$/.test(file)) continue
  const text = readFileSync(join(SOURCE, file), 'utf8')
  const layer = file.split('/')[0]
  if (text.split('\n').length > LINES_MAX) problems.push(`${file}: longer than ${LINES_MAX} lines`)
  if (/v-html|innerHTML|insertAdjacentHTML/.test(text))
    problems.push(`${file}: puts text into the page as HTML`)
  for (const [, from] of text.matchAll(/(?:from|import) '(\.[^']+)'/g)) {
    const target = relative(SOURCE, join(SOURCE, file, '..', from)).split('/')[0]
    if (!MAY_IMPORT[layer]?.includes(target)) problems.push(`${file}: ${layer}/ must not import ${from}`)
  }
  if (layer !== 'lib') continue
  const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')
  const global = code.match(PAGE_GLOBALS)
  if (global) problems.push(`${file}: lib/ must not know ${global[1]}`)
  if (/from '(vue|vant|vue-i18n)'/.test(code)) problems.push(`${file}: lib/ must not import a framework`)
}
for (const problem of problems) console.error(problem)
process.exit(problems.length > 0 ? 1 : 0)
