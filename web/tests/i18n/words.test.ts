import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { words as household } from '../../src/i18n/household'
import { words as home } from '../../src/i18n/home'
import { words as host } from '../../src/i18n/host'
import { words as invite } from '../../src/i18n/invite'
import type { PageWords } from '../../src/i18n'
import { words as leader } from '../../src/i18n/leader'
import { words as me } from '../../src/i18n/me'
import { words as replay } from '../../src/i18n/replay'
import { words as room } from '../../src/i18n/room'
import { words as store } from '../../src/i18n/store'

const SOURCE = join(import.meta.dirname, '..', '..', 'src')
/** With the words that a page loads once an order asks for them. */
const later = ({ zh, en }: PageWords): PageWords => ({
  zh: { ...zh, ...household.zh },
  en: { ...en, ...household.en },
})
const PAGES: [string, PageWords][] = Object.entries({
  home,
  room: later(room),
  replay: later(replay),
  me,
  host,
  store,
  leader,
  invite,
})

function textsOf(words: PageWords['zh']): [string, string][] {
  return Object.entries(words).flatMap(([section, texts]) =>
    Object.entries(texts).map(([key, text]): [string, string] => [`${section}.${key}`, text]),
  )
}

/** The source of a page's script and of all that it imports. */
function sourcesOf(file: string, seen = new Map<string, string>()): Map<string, string> {
  if (seen.has(file)) return seen
  const source = readFileSync(file, 'utf8')
  seen.set(file, source)
  for (const [, from = ''] of source.matchAll(/(?:from |import |import\()'(\.[^']+)'/g)) {
    const target = join(dirname(file), from)
    const found = [target, `${target}.ts`, join(target, 'index.ts')].find(
      (path) => /\.(ts|vue)$/.test(path) && existsSync(path),
    )
    if (found) sourcesOf(found, seen)
  }
  return seen
}

/** Patterns of the keys that a page uses: whole keys, and those with a variable end such as `badge.${state}`. */
function usedBy(page: string): RegExp[] {
  const source = [...sourcesOf(join(SOURCE, 'pages', page, `${page}.ts`))]
    .filter(([file]) => !file.includes('/i18n/'))
    .map(([, text]) => text)
    .join('\n')
  // A topic of a fact is no word.
  const keys = [...source.matchAll(/(?<!topic: )['`]([a-z_]+\.[a-z_]*(?:\$\{[^}]+\}[a-z_]*)?)['`]/g)]
  return keys.map(([, key = '']) => new RegExp(`^${key.replace('.', '\\.').replace(/\$\{[^}]+\}/, '\\w+')}$`))
}

describe.each(PAGES)('the words of the page %s', (page, words) => {
  const texts = textsOf(words.zh)
  const used = usedBy(page)

  it('have the same keys and placeholders in both languages', () => {
    const english = new Map(textsOf(words.en))
    const placeholders = (text = '') => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort()
    expect([...english.keys()].sort()).toEqual(texts.map(([key]) => key).sort())
    for (const [key, text] of texts) expect(placeholders(english.get(key)), key).toEqual(placeholders(text))
  })

  it('have the punctuation of their language', () => {
    const halfWidth = /[一-鿿}][,!?:;()]|[,!?:;()][一-鿿{]|[一-鿿]\.|\.\.\./
    expect(texts.filter(([, text]) => halfWidth.test(text))).toEqual([])
    const typewritten = /\w'\w|"|\.\.\.|[，。！？：；（）]/
    expect(textsOf(words.en).filter(([, text]) => typewritten.test(text))).toEqual([])
  })

  it('cover every key that the page uses', () => {
    const sections = new Set(PAGES.flatMap(([, { zh }]) => Object.keys(zh)))
    const missing = used
      .filter((pattern) => sections.has(pattern.source.split('\\.')[0]?.slice(1) ?? ''))
      .filter((pattern) => !texts.some(([key]) => pattern.test(key)))
    expect(used.length).toBeGreaterThan(10)
    expect(missing).toEqual([])
  })

  it('use Chinese punctuation in Chinese and typographic apostrophes in English', () => {
    for (const [key, text] of texts) expect(text, key).not.toMatch(/[一-鿿][,:;!?]|[,:;!?][一-鿿]/)
    for (const [key, text] of textsOf(words.en)) expect(text, key).not.toContain("'")
  })
})

it('every word is used by a page that loads it', () => {
  const used = new Map(PAGES.map(([page]) => [page, usedBy(page)]))
  const unused = new Map<string, boolean>()
  for (const [page, words] of PAGES)
    for (const [key] of textsOf(words.zh))
      unused.set(key, (unused.get(key) ?? true) && !used.get(page)?.some((pattern) => pattern.test(key)))
  expect([...unused].filter(([, isUnused]) => isUnused).map(([key]) => key)).toEqual([])
})

it('the group line is the one of the shop’s brief', () => {
  expect(room.zh.group.open).toBe('本小区已有 {joined} 位邻居参团，还差 {left} 人成团！')
  expect(room.en.group.open).toContain('{joined} neighbours joined, {left} to go!')
})
